#include "ngx_module/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "key_support.h"

namespace agw {
namespace {

using test::hashOf;
using test::hex;
using test::keyLine;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr std::uint64_t kText = 64 * 1024;

struct Built {
  std::unique_ptr<KeyImage> image;
  std::vector<KeyFileError> errors;
};

Built build(const std::string& file, std::uint64_t capacity = 100, std::uint64_t text = kText) {
  Built built;
  built.image = buildKeyImage(file, capacity, text, built.errors);
  EXPECT_EQ(built.image == nullptr, !built.errors.empty()) << "all or nothing";
  return built;
}

KeyFileError onlyError(const Built& built) {
  EXPECT_EQ(built.errors.size(), 1U);
  return built.errors.empty() ? KeyFileError{} : built.errors.front();
}

std::uint64_t keysOf(const Built& built) { return built.image ? built.image->keys : 0; }

TEST(KeyFile, CountsKeysAndLeavesCommentsAndBlankLinesOut) {
  const Built built = build("# head\n\n" + keyLine("alice", 1) + "\n  \n" + keyLine("bob", 2) +
                            "\n  # " + keyLine("carol", 3) + "\n");
  EXPECT_EQ(keysOf(built), 2U);
}

TEST(KeyFile, AFileWithoutKeysIsAFile) {
  for (const std::string file : {"", "\n", "# nobody", "\r\n\r\n"}) {
    const Built built = build(file);
    ASSERT_NE(built.image, nullptr) << file;
    EXPECT_EQ(built.image->keys, 0U);
  }
}

TEST(KeyFile, TheLastLineNeedsNoEnd) {
  EXPECT_EQ(keysOf(build(keyLine("alice", 1) + "\n" + keyLine("bob", 2))), 2U);
}

TEST(KeyFile, LinesMayEndAsOnWindows) {
  const test::OwnTable table(10);
  table.load("# head\r\n" + keyLine("alice", 1, "allow=default/a") + "\r\n" +
             keyLine("bob", 2, "allow=default/b") + "\r\n");
  FoundKey key;
  ASSERT_EQ(table->find(hashOf(1), key), KeyLookup::Found);
  EXPECT_EQ(key.grants(), "allow=default/a");
  ASSERT_EQ(table->find(hashOf(2), key), KeyLookup::Found);
  EXPECT_EQ(key.grants(), "allow=default/b");
}

TEST(KeyFile, ABadLineIsReportedWithItsNumber) {
  const Built built = build(keyLine("alice", 1) + "\n\n# x\nbob nonsense\n" + keyLine("eve", 5));
  EXPECT_EQ(onlyError(built).line, 4U);
  EXPECT_THAT(onlyError(built).message, HasSubstr("the second word must be sha256:"));
}

TEST(KeyFile, ALineThatContradictsItselfIsABadLine) {
  const Built built = build(keyLine("alice", 1) + "\n" + keyLine("bob", 2, "allow=a/b deny=a/*"));
  EXPECT_EQ(onlyError(built).line, 2U);
  EXPECT_THAT(onlyError(built).message, HasSubstr("allow=a/b can never match"));
}

TEST(KeyFile, TheSameKeyTwiceIsAnErrorThatNamesTheOtherLine) {
  const Built built = build("# x\n" + keyLine("alice", 1) + "\n" + keyLine("bob", 2) + "\n" +
                            keyLine("carol", 1) + "\n");
  const KeyFileError error = onlyError(built);
  EXPECT_EQ(error.line, 4U);
  EXPECT_THAT(error.message, AllOf(HasSubstr("the same key as on line 2"), HasSubstr("remove")));
  EXPECT_EQ(error.message.find(hex(hashOf(1))), std::string::npos);
}

TEST(KeyFile, TheSameLineTwiceIsTheSameKeyTwice) {
  EXPECT_EQ(onlyError(build(keyLine("alice", 1) + "\n" + keyLine("alice", 1))).line, 2U);
}

TEST(KeyFile, LinesOfOneIdMayDifferInAllButLimits) {
  const Built built =
      build(keyLine("alice", 1, "allow=a/* scopes=chat requests=60/m burst=5 streams=2") + "\n" +
            keyLine("alice", 2,
                    "burst=5 allow=b/* streams=2 requests=60/m scopes=chat,mcp "
                    "expires=2027-06-30T00:00:00Z"));
  EXPECT_EQ(keysOf(built), 2U);
}

TEST(KeyFile, LinesOfOneIdWithOtherLimitsAreAnErrorThatNamesTheOtherLine) {
  const std::string base = "requests=60/m burst=20 tokens=100k/m streams=8 max_run=600s";
  const std::string others[] = {
      "requests=61/m burst=20 tokens=100k/m streams=8 max_run=600s",
      "requests=60/h burst=20 tokens=100k/m streams=8 max_run=600s",
      "requests=60/m burst=21 tokens=100k/m streams=8 max_run=600s",
      "requests=60/m burst=20 tokens=101k/m streams=8 max_run=600s",
      "requests=60/m burst=20 tokens=100k/h streams=8 max_run=600s",
      "requests=60/m burst=20 tokens=100k/m streams=9 max_run=600s",
      "requests=60/m burst=20 tokens=100k/m streams=8 max_run=601s",
      "requests=60/m burst=20 tokens=100k/m streams=8",
      "",
  };
  const std::string long_id = "an-id-that-is-longer-than-a-slot-holds";
  for (const std::string& other : others) {
    for (const std::string& id : {std::string("alice"), long_id}) {
      const Built built = build(keyLine("x", 9) + "\n" + keyLine(id, 1, base) + "\n" +
                                keyLine(id, 2, base) + "\n" + keyLine(id, 3, other) + "\n");
      const KeyFileError error = onlyError(built);
      EXPECT_EQ(error.line, 4U) << other;
      EXPECT_THAT(error.message,
                  AllOf(HasSubstr("other limits than on line 2"), HasSubstr("the same id")));
    }
  }
}

TEST(KeyFile, IdsThatAreAlikeAreNotTheSame) {
  const std::string twenty(20, 'a');
  EXPECT_EQ(
      keysOf(build(keyLine("alice", 1, "streams=1") + "\n" + keyLine("Alice", 2, "streams=2") +
                   "\n" + keyLine("alice2", 3, "streams=3") + "\n" +
                   keyLine(twenty, 4, "streams=4") + "\n" + keyLine(twenty + "b", 5, "streams=5"))),
      5U);
}

TEST(KeyFile, TooManyKeysAreAnErrorWithBothNumbers) {
  std::string file;
  for (std::uint64_t n = 1; n <= 12; ++n) file += keyLine("k" + std::to_string(n), n) + "\n";
  EXPECT_EQ(keysOf(build(file, 12)), 12U);
  const KeyFileError error = onlyError(build(file, 10));
  EXPECT_EQ(error.line, 0U);
  EXPECT_THAT(error.message, AllOf(HasSubstr("has 12 keys"), HasSubstr("keys=10")));
}

TEST(KeyFile, TooMuchTextIsAnErrorWithBothNumbers) {
  std::string file;
  for (std::uint64_t n = 1; n <= 10; ++n) {
    file += keyLine("k", n, "allow=only/" + std::to_string(n)) + "\n";
  }
  const Built fits = build(file);
  ASSERT_NE(fits.image, nullptr);
  const std::size_t size = fits.image->text.size();
  EXPECT_EQ(keysOf(build(file, 100, size)), 10U);
  const KeyFileError error = onlyError(build(file, 100, size - 8));
  EXPECT_EQ(error.line, 0U);
  EXPECT_THAT(error.message,
              AllOf(HasSubstr("needs " + std::to_string(size) + " bytes"),
                    HasSubstr("room for " + std::to_string(size - 8)), HasSubstr("zone larger")));
}

TEST(KeyFile, EqualPoliciesAreStoredOnce) {
  const std::string words[] = {"allow=a/* requests=60/m", "allow=b/* requests=60/m"};
  std::string file;
  for (std::uint64_t n = 1; n <= 100; ++n) {
    file += keyLine("k" + std::to_string(n), n, words[n % 2]) + "\n";
  }
  const Built two = build(keyLine("x", 1, words[0]) + "\n" + keyLine("y", 2, words[1]));
  const Built hundred = build(file);
  ASSERT_NE(two.image, nullptr);
  ASSERT_NE(hundred.image, nullptr);
  EXPECT_EQ(hundred.image->text.size(), two.image->text.size());
  EXPECT_EQ(two.image->text.size(), 2 * (sizeof(KeyLimits) + 16)) << "limits, then allow=a/*";
}

TEST(KeyFile, ReportsTwentyErrorsAtMost) {
  std::string file;
  for (int i = 0; i < 100; ++i) file += "bad\n";
  const Built built = build(file);
  ASSERT_EQ(built.errors.size(), kMaxKeyFileErrors);
  EXPECT_EQ(built.errors.front().line, 1U);
  EXPECT_EQ(built.errors.back().line, 20U);
}

TEST(KeyFile, ReportsTwentyErrorsAtMostWhenThereAreTooManyKeysToo) {
  std::string file = keyLine("alice", 1) + "\n" + keyLine("bob", 2) + "\n";
  for (int i = 0; i < 100; ++i) file += "bad\n";
  EXPECT_EQ(build(file, 1).errors.size(), kMaxKeyFileErrors);
}

TEST(KeyFile, TheShippedExampleIsGood) {
  std::ifstream in(std::string(AGW_SOURCE_DIR) + "/conf/api_keys.example", std::ios::binary);
  ASSERT_TRUE(in);
  std::stringstream text;
  text << in.rdbuf();
  const Built built = build(text.str());
  EXPECT_EQ(keysOf(built), 5U);
}

}  // namespace
}  // namespace agw
