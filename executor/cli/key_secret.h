// A new secret, from the moment it is made until it has been shown once.
#pragma once

#include <array>
#include <chrono>
#include <string>
#include <string_view>

#include "shared/api_key.h"

namespace agw::cli {

// "agk_" and 43 base64url characters: 256 random bits. It lives in this object alone, which wipes
// it when it goes.
class KeySecret {
 public:
  // Throws std::runtime_error when OpenSSL gives no random bytes or no hash: nothing may stand in
  // for either.
  KeySecret();
  ~KeySecret();
  KeySecret(const KeySecret&) = delete;
  KeySecret& operator=(const KeySecret&) = delete;

  std::string_view text() const { return {line_.data(), line_.size() - 1}; }
  std::string_view line() const { return {line_.data(), line_.size()}; }  // with a newline
  const KeyHash& hash() const { return hash_; }

 private:
  static constexpr std::size_t kPrefix = 4;
  static constexpr std::size_t kBody = 43;

  std::array<char, kPrefix + kBody + 1> line_;
  KeyHash hash_;
};

// Writes line() to a descriptor past all buffers of the process. What went wrong, or an empty text.
// SIGPIPE must be ignored.
std::string writeSecret(int fd, const KeySecret& secret, std::chrono::milliseconds deadline);

}  // namespace agw::cli
