#include "cli/key_secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace agw::cli {
namespace {

constexpr std::string_view kSecretPrefix = "agk_";

// An array that is wiped at the end of its scope, exceptions included.
template <std::size_t size>
struct Wiped {
  std::array<unsigned char, size> bytes{};
  ~Wiped() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

std::string systemError() { return std::generic_category().message(errno); }

}  // namespace

KeySecret::KeySecret() {
  Wiped<32> random;
  if (RAND_bytes(random.bytes.data(), static_cast<int>(random.bytes.size())) != 1) {
    throw std::runtime_error("OpenSSL has no random bytes (RAND_bytes failed); no key was made");
  }
  // 44 characters, of which the last is padding, and a NUL.
  Wiped<kBody + 2> encoded;
  EVP_EncodeBlock(encoded.bytes.data(), random.bytes.data(), static_cast<int>(random.bytes.size()));
  char* out = std::copy(kSecretPrefix.begin(), kSecretPrefix.end(), line_.data());
  out = std::transform(encoded.bytes.begin(), encoded.bytes.begin() + kBody, out,
                       [](unsigned char c) {
                         if (c == '+') return '-';
                         return c == '/' ? '_' : static_cast<char>(c);
                       });
  *out = '\n';
  hash_ = hashKeySecret(text());
  if (hash_ == KeyHash{}) {
    OPENSSL_cleanse(line_.data(), line_.size());  // there is no destructor without an object
    throw std::runtime_error("OpenSSL has no SHA-256; no key was made");
  }
}

KeySecret::~KeySecret() { OPENSSL_cleanse(line_.data(), line_.size()); }

std::string writeSecret(int fd, const KeySecret& secret, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  std::string_view rest = secret.line();
  while (!rest.empty()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd ready{fd, POLLOUT, 0};
    const int count = ::poll(&ready, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return "the secret cannot be written: " + systemError();
    if (count == 0) return "the secret cannot be written: nobody reads standard output";
    const ssize_t size = ::write(fd, rest.data(), rest.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (size < 0) return "the secret cannot be written: " + systemError();
    rest.remove_prefix(static_cast<std::size_t>(size));
  }
  return {};
}

}  // namespace agw::cli
