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

// Random bytes of one thread, drawn from the kernel in bulk: a request needs several ids, and a
// system call for each would cost as much as parsing it.
class RandomBytes {
 public:
  unsigned char next() {
    if (left_ == 0) {
      draw();
      left_ = bytes_.size();
    }
    return bytes_[--left_];
  }

 private:
  void draw() {
    for (;;) {
      const ssize_t got = getrandom(bytes_.data(), bytes_.size(), 0);
      if (got == static_cast<ssize_t>(bytes_.size())) return;
      if (got < 0 && errno != EINTR) {
        throw std::system_error(errno, std::generic_category(), "getrandom");
      }
    }
  }

  // Requests of up to 256 bytes are never cut short once the kernel's generator is ready.
  std::array<unsigned char, 256> bytes_;
  std::size_t left_ = 0;
};

}  // namespace

std::string randomId(std::string_view prefix) {
  std::string id(prefix);
  const std::size_t full = prefix.size() + kLength;
  id.reserve(full);
  thread_local RandomBytes bytes;
  while (id.size() < full) {
    const unsigned char byte = bytes.next();
    if (byte < kUsableBytes) id += kAlphabet[byte % kAlphabet.size()];
  }
  return id;
}

}  // namespace agw
