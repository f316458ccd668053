// The key file: one key a line, "<id> sha256:<64 hex> [word=value ...]", '#' comments, blank lines.
// Words, each at most once: allow= deny= (comma-separated globs, see access_rules.h) scopes=
// act_as= expires=<RFC 3339, Z> requests=60/m burst=20 tokens=100k/m streams=8 max_run=600s. A line
// is at most 4 KiB.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/edge_headers.h"
#include "shared/quantity.h"
#include "shared/sha256.h"

namespace agw {

using KeyHash = Sha256Digest;

inline constexpr std::size_t kMaxKeyLine = 4096;
inline constexpr std::size_t kMaxKeyId = 64;       // [A-Za-z0-9._@-]{1,64}
inline constexpr std::size_t kMaxKeySecret = 512;  // longer credentials are refused unhashed

// Views point into the parsed line.
struct KeyLine {
  std::string_view id;
  KeyHash hash{};
  std::string_view allow;  // empty: nothing allowed
  std::string_view deny;
  std::string_view act_as;
  ScopeSet scopes = scopeBit(Scope::Chat);
  Rate requests;
  Rate tokens;
  std::uint32_t burst = 0;    // 0: not set
  std::uint32_t streams = 0;  // 0: not set
  std::uint32_t max_run_seconds = 0;
  std::int64_t expires_unix = 0;  // 0: never
};

enum class KeyLineResult { Key, Empty, Error };

// On Error, `error` says what is wrong and what to write instead; it never repeats the hash.
KeyLineResult parseKeyLine(std::string_view line, KeyLine& key, std::string& error);

// SHA-256 of a presented secret.
inline KeyHash hashKeySecret(std::string_view secret) noexcept { return sha256(secret); }

}  // namespace agw
