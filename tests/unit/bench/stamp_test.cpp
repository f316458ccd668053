#include "bench/load/stamp.h"

#include <gtest/gtest.h>

namespace agent_load {
namespace {

TEST(Stamp, IsFoundWithinAPayload) {
  EXPECT_EQ(findStamp(R"({"content":"@t1753000000123456789@ word"})"), 1753000000123456789);
  EXPECT_EQ(findStamp("@t0@"), 0);
}

TEST(Stamp, TheFirstOneCounts) { EXPECT_EQ(findStamp("@t12@ @t34@"), 12); }

TEST(Stamp, WhatOnlyLooksLikeOneIsPassedOver) {
  EXPECT_EQ(findStamp("me@twelve.example @t @t12 @t@ @t-5@ @t12x@ @t34@"), 34);
}

TEST(Stamp, NoneIsNone) {
  for (const char* payload : {"", "@", "@t", "@t1", "@t1 @", "t12@", "@t-5@", "@t+5@"}) {
    EXPECT_EQ(findStamp(payload), std::nullopt) << payload;
  }
}

TEST(Stamp, ANumberThatIsTooLargeIsNone) {
  EXPECT_EQ(findStamp("@t99999999999999999999@"), std::nullopt);
}

}  // namespace
}  // namespace agent_load
