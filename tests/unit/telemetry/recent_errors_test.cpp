#include "telemetry/recent_errors.h"

#include <gtest/gtest.h>

#include <string>

namespace agw::telemetry {
namespace {

TEST(RecentErrors, KeepTheLatest200NewestFirst) {
  RecentErrors errors;
  for (int i = 1; i <= 250; ++i) {
    AgentError error;
    error.message = std::to_string(i);
    errors.add(std::move(error));
  }
  const auto list = errors.newestFirst();
  ASSERT_EQ(list.size(), 200u);
  EXPECT_EQ(list.front().message, "250");
  EXPECT_EQ(list.back().message, "51");
  EXPECT_GT(list.front().unix_millis, 1'700'000'000'000);
}

TEST(RecentErrors, CutLongTextsBetweenCharacters) {
  RecentErrors errors;
  AgentError error;
  error.message = std::string(RecentErrors::kMaxText - 1, 'a') + "\u00fc and more";
  error.details = std::string(100'000, 'd');
  errors.add(error);
  const auto list = errors.newestFirst();
  EXPECT_EQ(list[0].message, std::string(RecentErrors::kMaxText - 1, 'a'));
  EXPECT_EQ(list[0].details.size(), RecentErrors::kMaxText);
}

}  // namespace
}  // namespace agw::telemetry
