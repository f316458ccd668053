// Every file of tests/wire/quirks, however its bytes are cut.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "quirk_file.h"
#include "replayed_answer.h"

namespace agw::test {
namespace {

constexpr unsigned kSeed = 20261121;
constexpr int kRandomCuts = 100;

const std::vector<QuirkFile>& corpus() {
  static const std::vector<QuirkFile> files =
      readQuirkFiles(std::string(AGW_SOURCE_DIR) + "/tests/wire/quirks");
  return files;
}

// An error's detail is for the log: only what a file says of it counts.
Json comparable(Json outcome, const Json& expected) {
  const bool has_error = outcome.contains("error") && expected.contains("error");
  if (has_error && !expected["error"].contains("detail")) outcome["error"].erase("detail");
  return outcome;
}

// "legacy" tells readers of the wire; here both forms of a call are the same.
Json expectedOf(const QuirkFile& file) {
  Json expected = file.expected;
  for (Json& choice : expected["choices"]) choice.erase("legacy");
  return expected;
}

class QuirkCorpus : public testing::TestWithParam<std::size_t> {
 protected:
  const QuirkFile& file() const { return corpus()[GetParam()]; }
};

TEST_P(QuirkCorpus, GivesWhatTheFileSays) {
  const Replayed whole = replay(file(), [this] { return file().body.size(); });
  EXPECT_THAT(whole.faults, testing::IsEmpty());
  const Json expected = expectedOf(file());
  // Members may stand in any order.
  EXPECT_EQ(nlohmann::json(comparable(whole.outcome, expected)), nlohmann::json(expected))
      << dumpJson(whole.outcome);
}

TEST_P(QuirkCorpus, GivesTheSameForBytesOneByOne) {
  const Replayed whole = replay(file(), [this] { return file().body.size(); });
  const Replayed cut = replay(file(), [] { return std::size_t{1}; });
  EXPECT_EQ(dumpJson(cut.outcome), dumpJson(whole.outcome));
  EXPECT_EQ(cut.chunks, whole.chunks);
  EXPECT_THAT(cut.faults, testing::IsEmpty());
}

TEST_P(QuirkCorpus, GivesTheSameForRandomCuts) {
  const Replayed whole = replay(file(), [this] { return file().body.size(); });
  std::mt19937 random(kSeed);
  for (int round = 0; round < kRandomCuts; ++round) {
    std::uniform_int_distribution<std::size_t> size(1, 1 + random() % 200);
    const Replayed cut = replay(file(), [&] { return size(random); });
    ASSERT_EQ(dumpJson(cut.outcome), dumpJson(whole.outcome))
        << "seed " << kSeed << " round " << round;
    ASSERT_EQ(cut.chunks, whole.chunks) << "seed " << kSeed << " round " << round;
    ASSERT_THAT(cut.faults, testing::IsEmpty()) << "seed " << kSeed << " round " << round;
  }
}

INSTANTIATE_TEST_SUITE_P(Files, QuirkCorpus, testing::Range(std::size_t{0}, corpus().size()),
                         [](const auto& info) { return corpus()[info.param].name; });

TEST(QuirkCorpus, HasAFileForEveryQuirk) {
  std::set<std::string> quirks;
  for (const QuirkFile& file : corpus()) quirks.insert(file.quirk);
  for (int number = 1; number <= 30; ++number) {
    EXPECT_TRUE(quirks.contains("Q" + std::to_string(number))) << number;
  }
}

// Bytes that need no repair are not touched.
TEST(QuirkCorpus, CleanChunksPassByteForByte) {
  std::size_t seen = 0;
  for (const QuirkFile& file : corpus()) {
    if (file.quirk != "clean" || !file.stream) continue;
    const Replayed whole = replay(file, [&] { return file.body.size(); });
    for (const std::string& chunk : whole.chunks) {
      const std::string choices = chunk.substr(0, chunk.size() - 1);
      EXPECT_NE(file.body.find(choices), std::string::npos) << choices;
      ++seen;
    }
  }
  EXPECT_GT(seen, 8u);
}

}  // namespace
}  // namespace agw::test
