#include "base/id.h"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>

namespace agw {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t kLength = 24;
// Bytes from here on would make the first characters of the alphabet likelier.
constexpr unsigned kUsableBytes = 256 / kAlphabet.size() * kAlphabet.size();

// Requests of up to 256 bytes are never cut short once the kernel's generator is ready.
using RandomBytes = std::array<unsigned char, 32>;

void fillRandom(RandomBytes& bytes) {
  for (;;) {
    const ssize_t got = getrandom(bytes.data(), bytes.size(), 0);
    if (got == static_cast<ssize_t>(bytes.size())) return;
    if (got < 0 && errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
  }
}

}  // namespace

std::string randomId(std::string_view prefix) {
  std::string id(prefix);
  const std::size_t full = prefix.size() + kLength;
  id.reserve(full);
  RandomBytes bytes;
  while (id.size() < full) {
    fillRandom(bytes);
    for (const unsigned char byte : bytes) {
      if (id.size() == full) break;
      if (byte < kUsableBytes) id += kAlphabet[byte % kAlphabet.size()];
    }
  }
  return id;
}

}  // namespace agw
