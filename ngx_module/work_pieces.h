// Long work beside requests, in pieces: whoever has woken meanwhile waits for one piece, not for
// the whole time slice that the scheduler grants a thread which does not stop.
#pragma once

#include <algorithm>
#include <cstddef>
#include <thread>

namespace agw {

class WorkPieces {
 public:
  static constexpr std::size_t kBytes = 16 * 1024;  // up to a tenth of a millisecond of work

  // So many bytes more were worked on.
  void note(std::size_t bytes) noexcept {
    since_ += bytes;
    if (since_ >= kBytes) {
      since_ = 0;
      std::this_thread::yield();
    }
  }

 private:
  std::size_t since_ = 0;
};

// vector::resize() touches all of the memory at once.
template <class Vector>
void resizeInPieces(Vector& vector, std::size_t size) {
  constexpr std::size_t kStep =
      std::max<std::size_t>(1, WorkPieces::kBytes / sizeof(typename Vector::value_type));
  vector.reserve(size);
  while (vector.size() < size) {
    vector.resize(std::min(size, vector.size() + kStep));
    std::this_thread::yield();
  }
}

}  // namespace agw
