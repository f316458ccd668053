#include "ngx_module/limit_identity.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

namespace agw {
namespace {

LimitSecret secretOf(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  LimitSecret secret;
  for (unsigned char& byte : secret) byte = static_cast<unsigned char>(random());
  return secret;
}
const LimitSecret kSecret = secretOf(1);

LimitIdentity identityOf(LimitPer per, std::uint64_t place, std::string_view key_id,
                         std::string_view name, const LimitSecret& secret = kSecret) {
  return limitIdentity(secret, per, place, key_id, name);
}

class Identities {
 public:
  // True: no other that was added is the same, in any half.
  bool isNew(const LimitIdentity& identity) {
    const bool is_new = halves_.insert(identity.words[0]).second;
    return halves_.insert(identity.words[1]).second && is_new;
  }

 private:
  std::set<std::uint64_t> halves_;
};

TEST(LimitIdentity, IsTheSameForTheSame) {
  const LimitIdentity identity = identityOf(LimitPer::User, 3, "alice", "u1");
  EXPECT_EQ(identityOf(LimitPer::User, 3, "alice", "u1"), identity);
  EXPECT_EQ(identityOf(LimitPer::User, 3, std::string("ali") + "ce", "u1"), identity);
  EXPECT_EQ(identityOf(LimitPer::Key, 0, {}, {}), identityOf(LimitPer::Key, 0, "", ""));
}

TEST(LimitIdentity, IsAnotherForAnyDifference) {
  Identities seen;
  for (const LimitIdentity& identity : {
           identityOf(LimitPer::Key, 0, "alice", ""),
           identityOf(LimitPer::User, 0, "alice", ""),
           identityOf(LimitPer::Agent, 0, "alice", ""),
           identityOf(LimitPer::Key, 1, "alice", ""),
           identityOf(LimitPer::Key, UINT64_MAX, "alice", ""),
           identityOf(LimitPer::Key, 0, "bob", ""),
           identityOf(LimitPer::Key, 0, "", ""),
           identityOf(LimitPer::Key, 0, "", "alice"),
           identityOf(LimitPer::Key, 0, "alice", "x"),
           identityOf(LimitPer::Key, 0, "ab", "c"),
           identityOf(LimitPer::Key, 0, "a", "bc"),
           identityOf(LimitPer::Key, 0, "abc", ""),
           identityOf(LimitPer::Key, 0, std::string_view("a\0", 2), "bc"),
           identityOf(LimitPer::Key, 0, "a", std::string_view("\0bc", 3)),
       }) {
    EXPECT_TRUE(seen.isNew(identity));
  }
}

TEST(LimitIdentity, TellsNamesOfAllLengthsApart) {
  Identities seen;
  for (std::size_t size = 0; size <= 512; ++size) {
    EXPECT_TRUE(seen.isNew(identityOf(LimitPer::User, 1, "alice", std::string(size, 'u'))));
    std::string last(size, 'u');
    if (size == 0) continue;
    last.back() = 'v';
    EXPECT_TRUE(seen.isNew(identityOf(LimitPer::User, 1, "alice", last))) << size;
  }
}

TEST(LimitIdentity, TakesNoMoreThan512BytesOfAName) {
  const std::string longest(512, 'u');
  EXPECT_EQ(identityOf(LimitPer::User, 1, longest, longest + "x"),
            identityOf(LimitPer::User, 1, longest + "yy", longest + std::string(10'000, 'z')));
  EXPECT_FALSE(identityOf(LimitPer::User, 1, longest, longest.substr(1)) ==
               identityOf(LimitPer::User, 1, longest, longest));
}

TEST(LimitIdentity, DependsOnTheSecretOfTheZone) {
  Identities seen;
  for (std::uint64_t seed = 0; seed < 256; ++seed) {
    const LimitSecret secret = secretOf(seed);
    EXPECT_TRUE(seen.isNew(identityOf(LimitPer::User, 3, "alice", "u1", secret))) << seed;
    EXPECT_TRUE(seen.isNew(identityOf(LimitPer::Key, 0, "", "", secret))) << seed;
  }
}

}  // namespace
}  // namespace agw
