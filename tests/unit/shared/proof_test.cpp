#include "shared/proof.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace agw {
namespace {

const std::string kSecret = "0123456789abcdef0123456789abcdef";
const std::string kOther = "ffffffffffffffffffffffffffffffff";
constexpr std::int64_t kNow = 1700000000;

// The MACs below were made by another implementation (Python's hmac) from the format in proof.h.
constexpr std::string_view kPinned =
    "v1;t=1700000000;h=a1cf9d16a87343c73b67a02477d0a60744b34538a17b28f13538b673719e5fd9";
constexpr std::string_view kPinnedNoHeaders =
    "v1;t=1700000000;h=a556af5fd099b1476466af00b64a72af86925128dfc44a34c0991214bd7e75cd";

struct Request {
  std::string method = "POST";
  std::string target = "/v1/chat/completions?x=1";
  std::string request_id = "req-1";
  std::vector<ProofHeader> headers = {{"x-agent-key-id", "alice"},
                                      {"x-agent-model", "default/helper"}};

  ProofInput input() const { return {method, target, request_id, headers}; }
};

std::string sign(const std::string& secret, const Request& request, std::int64_t now = kNow) {
  char out[kProofMaxSize];
  ProofKey key(secret);
  return {out, signProof(key, request.input(), now, out)};
}

ProofVerdict verify(const Request& request, std::string_view proof, std::int64_t now = kNow,
                    const std::vector<std::string>& secrets = {kSecret}) {
  std::vector<ProofKey> keys = makeProofKeys(secrets);
  return verifyProof(keys, request.input(), proof, now);
}

TEST(Proof, HasThePinnedForm) {
  EXPECT_EQ(sign(kSecret, Request{}), kPinned);
  EXPECT_EQ(verify(Request{}, kPinned), ProofVerdict::Valid);
  const Request plain{"GET", "/v1/models", "r", {}};
  EXPECT_EQ(sign(kSecret, plain), kPinnedNoHeaders);
  EXPECT_EQ(verify(plain, kPinnedNoHeaders), ProofVerdict::Valid);
}

TEST(Proof, CoversEveryPartOfTheRequest) {
  std::vector<Request> changed(9);
  changed[0].method = "GET";
  changed[1].target = "/v1/chat/completions";
  changed[2].request_id = "req-2";
  changed[3].headers[0].value = "bob";
  changed[4].headers.pop_back();
  changed[5].headers.push_back({"x-agent-scopes", "admin"});
  changed[6].headers[1].name = "x-agent-modem";
  changed[7].request_id = "";
  changed[8].headers[0].value = "alice\nx-agent-scopes:admin";
  for (std::size_t i = 0; i < changed.size(); ++i) {
    EXPECT_EQ(verify(changed[i], kPinned), ProofVerdict::Mismatch) << i;
  }
  std::string other_time(kPinned);
  other_time[14] = '1';
  EXPECT_EQ(verify(Request{}, other_time), ProofVerdict::Mismatch);
}

TEST(Proof, FieldsCannotFlowIntoEachOther) {
  const Request a{"POST", "/a", "", {}};
  const Request b{"POST", "/", "a", {}};
  EXPECT_NE(sign(kSecret, a), sign(kSecret, b));
  const Request c{"POST", "/", "", {{"x-agent-a", "b:c"}}};
  const Request d{"POST", "/", "", {{"x-agent-a:b", "c"}}};
  EXPECT_EQ(verify(c, sign(kSecret, c)), ProofVerdict::Valid);
  EXPECT_EQ(verify(d, sign(kSecret, c)), ProofVerdict::Mismatch) << "a name with a colon";
}

TEST(Proof, LivesThirtySecondsEitherWay) {
  const std::string proof = sign(kSecret, Request{});
  EXPECT_EQ(verify(Request{}, proof, kNow + 30), ProofVerdict::Valid);
  EXPECT_EQ(verify(Request{}, proof, kNow - 30), ProofVerdict::Valid);
  EXPECT_EQ(verify(Request{}, proof, kNow + 31), ProofVerdict::Expired);
  EXPECT_EQ(verify(Request{}, proof, kNow - 31), ProofVerdict::Expired);
}

TEST(Proof, EitherSecretVerifiesWhileTheyAreRotated) {
  const Request request;
  const std::string by_old = sign(kOther, request);
  EXPECT_EQ(verify(request, by_old, kNow, {kSecret, kOther}), ProofVerdict::Valid);
  EXPECT_EQ(verify(request, sign(kSecret, request), kNow, {kSecret, kOther}), ProofVerdict::Valid);
  EXPECT_EQ(verify(request, by_old, kNow, {kSecret}), ProofVerdict::Mismatch);
  EXPECT_EQ(verify(request, by_old, kNow, {}), ProofVerdict::Mismatch);
}

TEST(Proof, RefusesEverySpellingButItsOwn) {
  const std::string mac(kPinned.substr(kPinned.size() - 64));
  const Request request;
  EXPECT_EQ(verify(request, ""), ProofVerdict::Missing);
  const std::vector<std::string> malformed = {
      " ",
      "v1",
      "v2;t=1700000000;h=" + mac,
      "V1;t=1700000000;h=" + mac,
      "v1;t=;h=" + mac,
      "v1;t=0;h=" + mac,
      "v1;t=01700000000;h=" + mac,
      "v1;t=+1700000000;h=" + mac,
      "v1;t=-1700000000;h=" + mac,
      "v1;t=1700000000.0;h=" + mac,
      "v1;t=1700000000 ;h=" + mac,
      "v1;t=9999999999999999999999;h=" + mac,
      "v1;t=1700000000;H=" + mac,
      "v1;t=1700000000;h=",
      "v1;t=1700000000;h=" + mac.substr(1),
      "v1;t=1700000000;h=" + mac + "0",
      "v1;t=1700000000;h=" + mac + " ",
      "v1;t=1700000000;h=" + mac.substr(1) + "g",
      "v1;t=1700000000;h=" + mac.substr(1) + "A",
  };
  for (const std::string& proof : malformed) {
    EXPECT_EQ(verify(request, proof), ProofVerdict::Malformed) << proof;
  }
}

TEST(Proof, EveryChangedDigitIsAMismatch) {
  for (std::size_t i = kPinned.size() - 64; i < kPinned.size(); ++i) {
    std::string proof(kPinned);
    proof[i] = proof[i] == '0' ? '1' : '0';
    EXPECT_EQ(verify(Request{}, proof), ProofVerdict::Mismatch) << i;
  }
}

TEST(Proof, SignsNothingThatNoHeaderMayCarry) {
  for (const char bad : {'\r', '\n', '\0'}) {
    for (int field = 0; field < 5; ++field) {
      Request request;
      const std::string text = std::string("a") + bad + "b";
      if (field == 0) request.method = text;
      if (field == 1) request.target = text;
      if (field == 2) request.request_id = text;
      if (field == 3) request.headers[1].value = text;
      if (field == 4) request.headers[1].name = text;
      if (field < 4) {
        EXPECT_EQ(sign(kSecret, request), "") << field;
      }
      EXPECT_EQ(verify(request, kPinned), ProofVerdict::Mismatch);
      EXPECT_NE(verify(request, sign(kSecret, request)), ProofVerdict::Valid) << field;
    }
  }
}

TEST(Proof, IsOverSortedHeadersWithoutRepeats) {
  const auto expect_mismatch = [](const Request& request) {
    EXPECT_EQ(verify(request, sign(kSecret, request)), ProofVerdict::Mismatch);
  };
  Request unsorted;
  std::swap(unsorted.headers[0], unsorted.headers[1]);
  expect_mismatch(unsorted);
  Request twice;
  twice.headers.push_back(twice.headers.back());
  expect_mismatch(twice);
  Request nameless;
  nameless.headers[0].name = "";
  expect_mismatch(nameless);
  Request colon;
  colon.headers[0].name = "x-agent-a:b";
  expect_mismatch(colon);
}

TEST(Proof, BoundsItsInput) {
  Request large;
  const std::string value(39 * 1024, 'x');
  large.headers[1].value = value;
  const std::string proof = sign(kSecret, large);
  EXPECT_EQ(proof.size(), 82U);
  EXPECT_EQ(verify(large, proof), ProofVerdict::Valid);
  const std::string over(41 * 1024, 'x');
  large.headers[1].value = over;
  EXPECT_EQ(sign(kSecret, large), "");
  EXPECT_EQ(verify(large, proof), ProofVerdict::Mismatch);
  for (std::size_t size = 40 * 1024 - 200; size < 40 * 1024 + 10; ++size) {
    const std::string near(size, 'x');
    large.headers[1].value = near;
    const std::string signed_near = sign(kSecret, large);
    if (!signed_near.empty()) {
      EXPECT_EQ(verify(large, signed_near), ProofVerdict::Valid);
    }
  }
}

TEST(Proof, RefusesTimesThatItCouldNotReadBack) {
  EXPECT_EQ(sign(kSecret, Request{}, 0), "");
  EXPECT_EQ(sign(kSecret, Request{}, -1), "");
  EXPECT_EQ(sign(kSecret, Request{}, 1'000'000'000'000), "");
  EXPECT_LE(sign(kSecret, Request{}, 999'999'999'999).size(), kProofMaxSize);
}

TEST(Proof, EveryVerdictHasAText) {
  for (const auto verdict : {ProofVerdict::Valid, ProofVerdict::Missing, ProofVerdict::Malformed,
                             ProofVerdict::Expired, ProofVerdict::Mismatch}) {
    EXPECT_FALSE(describe(verdict).empty());
    EXPECT_NE(describe(verdict), "unknown");
  }
}

TEST(EdgeSecrets, ReadsOneOrTwoLines) {
  EXPECT_EQ(parseEdgeSecrets(kSecret).secrets, std::vector{kSecret});
  EXPECT_EQ(parseEdgeSecrets(kSecret + "\n").secrets, std::vector{kSecret});
  EXPECT_EQ(parseEdgeSecrets("\n" + kSecret + "\r\n\r\n" + kOther + "\r\n").secrets,
            (std::vector{kSecret, kOther}));
  EXPECT_EQ(parseEdgeSecrets(kSecret + "\n").error, "");
}

TEST(EdgeSecrets, RefusesWhatIsUnsafeAndNamesTheLine) {
  const auto error = [](const std::string& text) {
    const EdgeSecrets parsed = parseEdgeSecrets(text);
    EXPECT_TRUE(parsed.secrets.empty());
    EXPECT_EQ(parsed.error.find(kSecret), std::string::npos);
    EXPECT_EQ(parsed.error.find(kSecret.substr(0, 31)), std::string::npos);
    return parsed.error;
  };
  EXPECT_NE(error("").find("holds no secret"), std::string::npos);
  EXPECT_NE(error("\n\r\n").find("holds no secret"), std::string::npos);
  EXPECT_EQ(error(kSecret.substr(0, 31)).find("line 1: the secret is shorter than 32 bytes"), 0U);
  EXPECT_EQ(error(kSecret + "\n" + kSecret.substr(0, 31)).find("line 2: "), 0U);
  EXPECT_EQ(error(kSecret + "\n" + kOther + "\n\n" + kSecret).find("line 4: a third secret"), 0U);
  EXPECT_EQ(error(kSecret + " " + kSecret).find("line 1: "), 0U);
  EXPECT_EQ(error(kSecret + " ").find("line 1: "), 0U);
  EXPECT_EQ(error(kSecret + '\0').find("line 1: "), 0U);
  EXPECT_EQ(error("\xEF\xBB\xBF" + kSecret).find("line 1: "), 0U);
  EXPECT_EQ(error(std::string(1025, 'x')).find("line 1: "), 0U);
}

}  // namespace
}  // namespace agw
