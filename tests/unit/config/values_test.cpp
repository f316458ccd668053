#include "config/values.h"

#include <gtest/gtest.h>

namespace agw::config {
namespace {

TEST(ParseDuration, TakesUnitsAndPlainSeconds) {
  EXPECT_EQ(parseDuration("30s"), Millis(30'000));
  EXPECT_EQ(parseDuration("500ms"), Millis(500));
  EXPECT_EQ(parseDuration("10m"), Millis(600'000));
  EXPECT_EQ(parseDuration("1h"), Millis(3'600'000));
  EXPECT_EQ(parseDuration("7"), Millis(7000));
  EXPECT_EQ(parseDuration("0.25"), Millis(250));
  EXPECT_EQ(parseDuration("1.5m"), Millis(90'000));
  EXPECT_EQ(parseDuration("0"), Millis(0));
  EXPECT_EQ(parseDuration("0.0001s"), Millis(1));  // never a silent zero
}

TEST(ParseDuration, RefusesTheRest) {
  for (const char* text : {"", "s", "ms", "-1s", "+1s", "1 s", " 1", "1d", "1S", "1.s", ".5s",
                           "1..5", "1e3", "0x1", "1s1s", "99999999999999999999h", "nan", "inf"}) {
    EXPECT_EQ(parseDuration(text), std::nullopt) << text;
  }
}

TEST(FormatDuration, UsesTheLargestExactUnit) {
  EXPECT_EQ(formatDuration(Millis(0)), "0s");
  EXPECT_EQ(formatDuration(Millis(1)), "1ms");
  EXPECT_EQ(formatDuration(Millis(90'000)), "90s");
  EXPECT_EQ(formatDuration(Millis(600'000)), "10m");
  EXPECT_EQ(formatDuration(Millis(86'400'000)), "24h");
}

TEST(ParseSize, TakesBytesKibibytesAndMebibytes) {
  EXPECT_EQ(parseSize("100"), 100U);
  EXPECT_EQ(parseSize("64k"), 65536U);
  EXPECT_EQ(parseSize("1m"), 1048576U);
  for (const char* text :
       {"", "k", "1g", "1.5k", "-1", "1K", "99999999999999999999", "18446744073709551615m"}) {
    EXPECT_EQ(parseSize(text), std::nullopt) << text;
  }
}

TEST(CheckListenAddress, KnowsBothKinds) {
  for (const char* good : {"unix:/run/x.sock", "127.0.0.1:0", "0.0.0.0:8080", "[::1]:65535"}) {
    EXPECT_EQ(checkListenAddress(good), "") << good;
  }
  for (const char* bad : {"", "unix:", "unix:x", "localhost:80", "127.0.0.1", "127.0.0.1:", ":80",
                          "::1:80", "[::1]", "127.0.0.1:65536", "[127.0.0.1]:80", "1.2.3:80"}) {
    EXPECT_NE(checkListenAddress(bad), "") << bad;
  }
}

TEST(Names, AreChecked) {
  EXPECT_TRUE(isToolName("get_Weather-2"));
  EXPECT_TRUE(isToolName(std::string(64, 'a')));
  for (const std::string& bad : {std::string(), std::string(65, 'a'), std::string("a.b"),
                                 std::string("a b"), std::string("é"), std::string("a#b")}) {
    EXPECT_FALSE(isToolName(bad)) << bad;
  }
  EXPECT_TRUE(isNameSpace("lm-studio.1"));
  EXPECT_FALSE(isNameSpace(""));
  EXPECT_FALSE(isNameSpace("a/b"));
  EXPECT_FALSE(isNameSpace("a b"));
  EXPECT_TRUE(isModuleCallable("agents.researcher:build_agent"));
  for (const char* bad :
       {"", "a", "a:", ":b", "a.:b", ".a:b", "a:b.c", "a:b:c", "a-b:c", "1a:b", "a/b:c"}) {
    EXPECT_FALSE(isModuleCallable(bad)) << bad;
  }
}

}  // namespace
}  // namespace agw::config
