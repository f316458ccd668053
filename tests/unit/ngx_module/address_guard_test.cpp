#include "ngx_module/address_guard.h"

#include <gtest/gtest.h>

#include <memory>

namespace agw {
namespace {

constexpr RateLimit kThreeAMinute{3, 60, 3};
constexpr Nanoseconds kSecond = 1'000'000'000;
constexpr Nanoseconds kStart = 1'000 * kSecond;

LimitIdentity address(std::uint64_t one, std::uint64_t other) { return {{one, other}}; }

class AddressGuardTest : public testing::Test {
 protected:
  Nanoseconds waitOf(const LimitIdentity& who, Nanoseconds at = kStart) {
    return guard_->noteFailure(who, kThreeAMinute, at);
  }
  bool fail(const LimitIdentity& who, Nanoseconds at = kStart) { return waitOf(who, at) == 0; }
  // As in shared memory, which begins with zeros.
  std::unique_ptr<AddressGuard> guard_ = std::make_unique<AddressGuard>();
};

TEST_F(AddressGuardTest, AdmitsTheBurstAndThenTheRate) {
  const LimitIdentity who = address(1, 2);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fail(who));
  EXPECT_EQ(waitOf(who), 20 * kSecond);
  EXPECT_EQ(waitOf(who, kStart + 19 * kSecond), kSecond);
  EXPECT_TRUE(fail(who, kStart + 20 * kSecond));
  EXPECT_FALSE(fail(who, kStart + 20 * kSecond));
}

TEST_F(AddressGuardTest, OneSharedPlaceHoldsNobodyBack) {
  for (int i = 0; i < 5; ++i) fail(address(1, 2));
  EXPECT_TRUE(fail(address(1, 3)));
  EXPECT_TRUE(fail(address(4, 2)));
}

TEST_F(AddressGuardTest, TwoSharedPlacesDo) {
  for (int i = 0; i < 5; ++i) {
    fail(address(1, 2));
    fail(address(3, 4));
  }
  EXPECT_FALSE(fail(address(1, 4)));
}

TEST_F(AddressGuardTest, ARefusedFailureIsNoneMore) {
  const LimitIdentity who = address(5, 6);
  for (int i = 0; i < 1000; ++i) fail(who);
  EXPECT_TRUE(fail(who, kStart + 20 * kSecond)) << "a flood does not lengthen the wait";
}

}  // namespace
}  // namespace agw
