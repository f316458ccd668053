// "<proof>\n<method>\n<target>\n<id>\n<name:value>...": a foreign proof never verifies, an own one
// does when the names of its headers are good, and only then: whoever signs knows its names.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "require.h"
#include "shared/edge_headers.h"
#include "shared/proof.h"

namespace {

std::string_view takeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// No name is empty or stands twice, they are in order, and none holds what no header may carry.
bool areNamesGood(const std::vector<agw::ProofHeader>& headers) {
  std::string_view previous;
  for (const agw::ProofHeader& header : headers) {
    if (header.name <= previous) return false;
    if (header.name.find_first_of(std::string_view("\r\0", 2)) != std::string_view::npos)
      return false;
    previous = header.name;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::vector<agw::ProofKey> keys =
      agw::makeProofKeys(std::vector<std::string>{"secret-one-secret-one-secret-one-"});
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const std::string_view foreign = takeLine(text);
  agw::ProofInput input;
  input.method = takeLine(text);
  input.target = takeLine(text);
  input.request_id = takeLine(text);
  std::vector<agw::ProofHeader> headers;
  while (!text.empty()) {
    const std::string_view line = takeLine(text);
    const std::size_t colon = std::min(line.find(':'), line.size());
    headers.push_back({line.substr(0, colon), line.substr(std::min(colon + 1, line.size()))});
  }
  input.headers = headers;

  constexpr std::int64_t kNow = 1700000000;
  require(agw::verifyProof(keys, input, foreign, kNow) != agw::ProofVerdict::Valid,
          "nobody guesses a MAC");
  char out[agw::kProofMaxSize];
  const std::size_t length = agw::signProof(keys[0], input, kNow, out);
  require(length <= agw::kProofMaxSize, "a proof is bounded");
  if (length != 0) {
    const agw::ProofVerdict verdict = agw::verifyProof(keys, input, {out, length}, kNow);
    require((verdict == agw::ProofVerdict::Valid) == areNamesGood(headers),
            "an own proof verifies when its names are good");
  }
  const auto secrets = agw::parseEdgeSecrets({reinterpret_cast<const char*>(data), size});
  require(secrets.error.empty() == !secrets.secrets.empty(), "secrets or an error");
  return 0;
}
