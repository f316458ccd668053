// X-Agent-Proof: shows the executor that a request came through an edge which holds the shared
// secret.
//
// Header value: "v1;t=<unix seconds>;h=<64 lower-case hex digits>". The HMAC-SHA256 (RFC 2104)
// covers, joined by LF:
//   agent-proof-v1, t, method, request target as on the request line, request id,
//   then one "name:value" line (name in lower case) for every X-Agent-* header but the proof,
//   sorted by name.
// The secret file has one secret a line (at least 32 bytes each), at most two while it is rotated:
// the first signs, each verifies.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/sha256.h"

namespace agw {

struct ProofHeader {
  std::string_view name;  // lower case
  std::string_view value;
};

struct ProofInput {
  std::string_view method;
  std::string_view target;
  std::string_view request_id;
  std::span<const ProofHeader> headers;  // sorted by name, no name twice
};

inline constexpr std::int64_t kProofLifetimeSeconds = 30;
inline constexpr std::size_t kProofMaxSize = 96;

// A secret made ready for use. 1 to 1024 bytes: any other makes a key that signs and verifies
// nothing. Any thread.
class ProofKey {
 public:
  explicit ProofKey(std::string_view secret) noexcept;

  bool mac(std::string_view text, Sha256Digest& out) const noexcept;

 private:
  std::optional<HmacSha256> hmac_;
};

std::vector<ProofKey> makeProofKeys(std::span<const std::string> secrets);

// Writes the header value into `out` (capacity >= kProofMaxSize) and returns its size; 0 when the
// input holds a CR, LF or NUL, which no header may carry, or is larger than 40 KiB (which stand on
// the stack). The names are the signer's own, and in order: nobody verifies a proof over others. No
// exception, no heap of ours.
std::size_t signProof(const ProofKey& key, const ProofInput& input, std::int64_t unix_seconds,
                      char* out) noexcept;

enum class ProofVerdict { Valid, Missing, Malformed, Expired, Mismatch };
std::string_view describe(ProofVerdict verdict) noexcept;

// Constant time in the MAC. A proof from more than kProofLifetimeSeconds ago, or as far ahead, is
// Expired.
ProofVerdict verifyProof(std::span<const ProofKey> keys, const ProofInput& input,
                         std::string_view proof, std::int64_t unix_seconds) noexcept;

// The secrets of a secret file's text, in order; `error` (never with a secret in it) names the
// line.
struct EdgeSecrets {
  std::vector<std::string> secrets;
  std::string error;  // empty: good
};
EdgeSecrets parseEdgeSecrets(std::string_view file_text);

}  // namespace agw
