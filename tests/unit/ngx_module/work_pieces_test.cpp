#include "ngx_module/work_pieces.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace agw {
namespace {

TEST(WorkPieces, ResizesLikeResize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, WorkPieces::kBytes / 8,
                                 WorkPieces::kBytes / 8 + 1, std::size_t{100'000}}) {
    std::vector<std::uint64_t> vector;
    resizeInPieces(vector, size);
    EXPECT_EQ(vector, std::vector<std::uint64_t>(size));
    EXPECT_EQ(vector.capacity(), size) << "no more memory than that";
  }
}

struct Large {
  std::uint8_t bytes[3 * WorkPieces::kBytes] = {};
};

TEST(WorkPieces, TakesElementsThatAreLargerThanAPiece) {
  std::vector<Large> vector;
  resizeInPieces(vector, 3);
  EXPECT_EQ(vector.size(), 3U);
}

}  // namespace
}  // namespace agw
