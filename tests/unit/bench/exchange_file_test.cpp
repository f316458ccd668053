#include "bench/load/exchange_file.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <gtest/gtest.h>

#include "bench/load/meters.h"

namespace agent_load {
namespace {

using std::chrono::microseconds;

class ExchangeFileTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  std::string content() const {
    std::ifstream in(path_);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  const std::string path_ =
      std::filesystem::temp_directory_path() / ("agent_load_each_" + std::to_string(::getpid()));
};

TEST_F(ExchangeFileTest, HasALineForEachWithSecondsAndMicroseconds) {
  ExchangeFile(path_).write(
      {{1'753'000'000'000'000'042, 123'456}, {1'753'000'001'500'000'000, 40}});
  EXPECT_EQ(content(),
            "1753000000.000000042 123.5\n"
            "1753000001.500000000 0.0\n");
}

TEST_F(ExchangeFileTest, IsThereAndEmptyWhenNothingWasMeasured) {
  ExchangeFile(path_).write({});
  EXPECT_TRUE(std::filesystem::exists(path_));
  EXPECT_EQ(content(), "");
}

TEST_F(ExchangeFileTest, APlaceThatCannotBeWrittenIsAnError) {
  EXPECT_THROW(ExchangeFile("/nowhere/each"), std::runtime_error);
  ExchangeFile full("/dev/full");
  EXPECT_THROW(full.write({{1, 1}}), std::runtime_error);
}

TEST(RequestMeterEach, BeginsOnTheRealTimeClockByTheStateOfBothAtTheEnd) {
  RequestMeter meter(1, 2);
  const SteadyTime start{microseconds(500)};
  meter.begin(0, start);
  meter.complete(0, {start + microseconds(250), 1'000'000'000});
  ASSERT_EQ(meter.each().size(), 1u);
  EXPECT_EQ(meter.each()[0].began_ns, 999'750'000);
  EXPECT_EQ(meter.each()[0].took_ns, 250'000);
}

TEST(RequestMeterEach, KeepsNoMoreThanItWasMadeFor) {
  RequestMeter meter(1, 2);
  RequestMeter keeps_none(1);
  for (int i = 0; i < 3; ++i) {
    for (RequestMeter* one : {&meter, &keeps_none}) {
      one->begin(0, SteadyTime{});
      one->complete(0, {SteadyTime{microseconds(1)}, 5'000});
    }
  }
  EXPECT_EQ(meter.each().size(), 2u);
  EXPECT_EQ(meter.latency().size(), 3u);
  EXPECT_TRUE(keeps_none.each().empty());
}

}  // namespace
}  // namespace agent_load
