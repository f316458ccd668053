#include "cli/key_words.h"

#include <gtest/gtest.h>

#include <string>

namespace agw::cli {
namespace {

constexpr std::int64_t kTime = 1'800'000'000;  // 2027-01-15T08:00:00Z

TEST(KeyWords, AreTakenOneByOne) {
  std::string_view line = "  alice\tsha256:x  allow=* \r\n";
  EXPECT_EQ(takeWord(line), "alice");
  EXPECT_EQ(takeWord(line), "sha256:x");
  EXPECT_EQ(takeWord(line), "allow=*");
  EXPECT_EQ(takeWord(line), "");
  EXPECT_EQ(takeWord(line), "");
}

TEST(KeyWords, StandAfterTheHash) {
  EXPECT_EQ(wordsAfterHash("alice sha256:x  allow=*  deny=a \r\n"), "allow=*  deny=a");
  EXPECT_EQ(wordsAfterHash("alice sha256:x"), "");
  EXPECT_EQ(wordsAfterHash("alice sha256:x \n"), "");
}

TEST(KeyWords, GetAnExpiryAfterTheLastOne) {
  EXPECT_EQ(withExpiry("alice sha256:x\n", kTime), "alice sha256:x expires=2027-01-15T08:00:00Z\n");
  EXPECT_EQ(withExpiry("alice sha256:x allow=*", kTime),
            "alice sha256:x allow=* expires=2027-01-15T08:00:00Z");
  EXPECT_EQ(withExpiry("\talice  sha256:x allow=* \t\r\n", kTime),
            "\talice  sha256:x allow=* expires=2027-01-15T08:00:00Z \t\r\n");
}

TEST(KeyWords, GetAnExpiryInPlaceOfTheOldOne) {
  EXPECT_EQ(withExpiry("alice sha256:x expires=2030-01-01T00:00:00Z  allow=*\r\n", kTime),
            "alice sha256:x expires=2027-01-15T08:00:00Z  allow=*\r\n");
}

TEST(EditLines, ChangesOnlyWhatIsNamed) {
  const std::string file = "# a\r\n\n one\ntwo\n \t\nthree\n#";
  EXPECT_EQ(editLines(file, {}), file + "\n");
  EXPECT_EQ(editLines(file, {{6, 5, ""}}), "# a\r\n\ntwo\n \t\nthree\n#\n");
  EXPECT_EQ(editLines(file, {{6, 5, "ONE\n"}, {18, 6, ""}}), "# a\r\n\nONE\ntwo\n \t\n#\n");
  EXPECT_EQ(editLines(file, {{6, 5, ""}, {11, 4, ""}, {18, 6, ""}}), "# a\r\n\n \t\n#\n");
}

TEST(EditLines, EndsALineBeforeItPutsOneBehindIt) {
  EXPECT_EQ(editLines("one", {{3, 0, "two\n"}}), "one\ntwo\n");
  EXPECT_EQ(editLines("one\n", {{4, 0, "two\n"}}), "one\ntwo\n");
  EXPECT_EQ(editLines("one", {{0, 3, "ONE"}, {3, 0, "two\n"}}), "ONE\ntwo\n");
  EXPECT_EQ(editLines("", {{0, 0, "two\n"}}), "two\n");
}

TEST(EditLines, LeavesAnEmptyFileEmpty) {
  EXPECT_EQ(editLines("", {}), "");
  EXPECT_EQ(editLines("one\n", {{0, 4, ""}}), "");
}

}  // namespace
}  // namespace agw::cli
