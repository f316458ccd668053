#include "shared/proof.h"

#include <openssl/crypto.h>

#include <charconv>
#include <cstring>

namespace agw {
namespace {

constexpr std::size_t kMaxInput = 40 * 1024;
constexpr std::size_t kMacSize = SHA256_DIGEST_LENGTH;
constexpr std::size_t kMinSecret = 32;
constexpr std::size_t kMaxSecret = 1024;
constexpr std::size_t kMaxSecrets = 2;  // the new one and the one it replaces
constexpr std::string_view kLabel = "agent-proof-v1";
constexpr std::string_view kTimePart = "v1;t=";
constexpr std::string_view kMacPart = ";h=";

bool isSafe(std::string_view text) noexcept {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  constexpr std::uint64_t kAboveCr = kEach * ('\r' + 1);
  const auto holdsNone = [](std::string_view bytes) {
    for (const char c : bytes) {
      if (c == '\r' || c == '\n' || c == '\0') return false;
    }
    return true;
  };
  // Eight bytes at a time: does any lie below the one after CR? Almost never.
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    const bool has_low = ((word - kAboveCr) & ~word & (kEach * 0x80)) != 0;
    if (has_low && !holdsNone(text.substr(0, sizeof word))) return false;
    text.remove_prefix(sizeof word);
  }
  return holdsNone(text);
}

bool areNamesGood(std::span<const ProofHeader> headers) noexcept {
  std::string_view previous;
  for (const ProofHeader& header : headers) {
    if (header.name <= previous || header.name.find(':') != std::string_view::npos ||
        !isSafe(header.name)) {
      return false;
    }
    previous = header.name;
  }
  return true;
}

// The text under the MAC, on the stack and in one piece.
class CanonicalText {
 public:
  // False: the input is too large, or holds a byte that would let two inputs share one text. The
  // names of headers are good.
  bool build(const ProofInput& input, std::string_view time) noexcept {
    if (!append(kLabel) || !append("\n") || !append(time) || !append("\n") || !line(input.method) ||
        !line(input.target) || !line(input.request_id)) {
      return false;
    }
    for (const ProofHeader& header : input.headers) {
      if (!append(header.name) || !append(":") || !line(header.value)) return false;
    }
    --size_;  // lines are joined, not ended, by LF
    return true;
  }

  bool mac(const ProofKey& key, Sha256Digest& out) const noexcept {
    return key.mac({bytes_, size_}, out);
  }

 private:
  bool append(std::string_view text) noexcept {
    if (text.size() > sizeof(bytes_) - size_) return false;
    if (!text.empty()) std::memcpy(bytes_ + size_, text.data(), text.size());
    size_ += text.size();
    return true;
  }
  bool line(std::string_view text) noexcept { return isSafe(text) && append(text) && append("\n"); }

  char bytes_[kMaxInput];
  std::size_t size_ = 0;
};

struct ParsedProof {
  std::int64_t time = 0;
  std::string_view time_text;
  Sha256Digest mac{};
};

int hexDigit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool parseProof(std::string_view proof, ParsedProof& parsed) noexcept {
  if (!proof.starts_with(kTimePart)) return false;
  proof.remove_prefix(kTimePart.size());
  const std::size_t digits = proof.find(kMacPart);
  if (digits == std::string_view::npos || digits == 0 || digits > 12) return false;
  parsed.time_text = proof.substr(0, digits);
  // One spelling per time: no sign, no leading zero.
  if (parsed.time_text[0] < '1' || parsed.time_text[0] > '9') return false;
  const char* time_end = parsed.time_text.data() + digits;
  const auto [rest, error] = std::from_chars(parsed.time_text.data(), time_end, parsed.time);
  if (error != std::errc{} || rest != time_end) return false;

  const std::string_view hex = proof.substr(digits + kMacPart.size());
  if (hex.size() != 2 * kMacSize) return false;
  for (std::size_t i = 0; i < kMacSize; ++i) {
    const int high = hexDigit(hex[2 * i]);
    const int low = hexDigit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    parsed.mac[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return true;
}

}  // namespace

ProofKey::ProofKey(std::string_view secret) noexcept {
  if (!secret.empty() && secret.size() <= kMaxSecret) hmac_.emplace(secret);
}

bool ProofKey::mac(std::string_view text, Sha256Digest& out) const noexcept {
  if (!hmac_) return false;
  out = hmac_->mac(text);
  return true;
}

std::vector<ProofKey> makeProofKeys(std::span<const std::string> secrets) {
  return {secrets.begin(), secrets.end()};
}

std::size_t signProof(const ProofKey& key, const ProofInput& input, std::int64_t unix_seconds,
                      char* out) noexcept {
  if (unix_seconds <= 0 || unix_seconds > 999'999'999'999) return 0;
  char time[16];
  const auto time_end = std::to_chars(time, time + sizeof(time), unix_seconds).ptr;
  const std::string_view time_text{time, static_cast<std::size_t>(time_end - time)};

  CanonicalText text;
  Sha256Digest mac;
  if (!text.build(input, time_text) || !text.mac(key, mac)) return 0;

  char* end = out;
  const auto append = [&end](std::string_view part) {
    std::memcpy(end, part.data(), part.size());
    end += part.size();
  };
  append(kTimePart);
  append(time_text);
  append(kMacPart);
  constexpr std::string_view kHex = "0123456789abcdef";
  for (const unsigned char byte : mac) {
    *end++ = kHex[byte >> 4];
    *end++ = kHex[byte & 0xF];
  }
  return static_cast<std::size_t>(end - out);
}

std::string_view describe(ProofVerdict verdict) noexcept {
  switch (verdict) {
    case ProofVerdict::Valid:
      return "valid";
    case ProofVerdict::Missing:
      return "the X-Agent-Proof header is missing";
    case ProofVerdict::Malformed:
      return "the X-Agent-Proof header is malformed";
    case ProofVerdict::Expired:
      return "the proof is too old or from the future; compare the clocks of edge and executor";
    case ProofVerdict::Mismatch:
      return "the proof does not match the request; edge and executor must read the same secret, "
             "and "
             "nothing between them may change the path or X-Agent headers";
  }
  return "unknown";
}

ProofVerdict verifyProof(std::span<const ProofKey> keys, const ProofInput& input,
                         std::string_view proof, std::int64_t unix_seconds) noexcept {
  if (proof.empty()) return ProofVerdict::Missing;
  ParsedProof parsed;
  if (!parseProof(proof, parsed)) return ProofVerdict::Malformed;
  if (parsed.time < unix_seconds - kProofLifetimeSeconds ||
      parsed.time > unix_seconds + kProofLifetimeSeconds) {
    return ProofVerdict::Expired;
  }
  CanonicalText text;
  if (!areNamesGood(input.headers) || !text.build(input, parsed.time_text)) {
    return ProofVerdict::Mismatch;
  }
  bool match = false;
  for (const ProofKey& key : keys) {
    Sha256Digest mac;
    // Every key is tried, so that the time does not tell which one matched.
    match |= text.mac(key, mac) && CRYPTO_memcmp(mac.data(), parsed.mac.data(), kMacSize) == 0;
  }
  return match ? ProofVerdict::Valid : ProofVerdict::Mismatch;
}

EdgeSecrets parseEdgeSecrets(std::string_view file_text) {
  EdgeSecrets result;
  const auto fail = [&result](std::size_t line_number, std::string_view what) {
    result.secrets.clear();
    result.error = "line " + std::to_string(line_number) + ": " + std::string(what);
    return result;
  };
  std::size_t line_number = 0;
  while (!file_text.empty()) {
    ++line_number;
    const std::size_t end = file_text.find('\n');
    std::string_view line = file_text.substr(0, end);
    file_text.remove_prefix(end == std::string_view::npos ? file_text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    for (const char c : line) {
      if (c <= ' ' || c > '~') {
        return fail(line_number,
                    "a secret holds a space, a control character or a byte outside ASCII; "
                    "write one secret a line, e.g. from: openssl rand -hex 32");
      }
    }
    if (line.size() < kMinSecret) {
      return fail(line_number,
                  "the secret is shorter than 32 bytes; make one with: openssl rand -hex 32");
    }
    if (line.size() > kMaxSecret) return fail(line_number, "the secret is longer than 1024 bytes");
    if (result.secrets.size() == kMaxSecrets) {
      return fail(line_number,
                  "a third secret; keep at most two, the new one first and the old one "
                  "until every edge and executor has read the file");
    }
    result.secrets.emplace_back(line);
  }
  if (result.secrets.empty()) {
    result.error = "the file holds no secret; make one with: openssl rand -hex 32";
  }
  return result;
}

}  // namespace agw
