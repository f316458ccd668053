#include "base/url.h"

#include <gtest/gtest.h>

#include <string>

namespace agw {
namespace {

Url good(std::string_view text) {
  auto url = parseUrl(text);
  EXPECT_TRUE(url.has_value()) << text << ": " << (url ? "" : url.error().message);
  return url ? *url : Url{};
}

TEST(Url, FillsInThePortAndTheTarget) {
  const Url http = good("http://localhost");
  EXPECT_FALSE(http.tls);
  EXPECT_EQ(http.host, "localhost");
  EXPECT_EQ(http.port, 80);
  EXPECT_EQ(http.target, "/");
  EXPECT_EQ(http.authority(), "localhost");

  const Url https = good("HTTPS://API.Example.com:8443/v1?api-version=2");
  EXPECT_TRUE(https.tls);
  EXPECT_EQ(https.host, "api.example.com");
  EXPECT_EQ(https.port, 8443);
  EXPECT_EQ(https.target, "/v1?api-version=2");
  EXPECT_EQ(https.authority(), "api.example.com:8443");
}

TEST(Url, LeavesTheDefaultPortOutOfTheAuthority) {
  EXPECT_EQ(good("https://h:443/x").authority(), "h");
  EXPECT_EQ(good("http://h:443/x").authority(), "h:443");
}

TEST(Url, KeepsIpv6WithoutBracketsAndWritesThemBack) {
  const Url url = good("http://[::1]:9000/v1");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.authority(), "[::1]:9000");
}

TEST(Url, GivesAQueryWithoutAPathASlash) { EXPECT_EQ(good("http://h?a=b").target, "/?a=b"); }

TEST(Url, RefusesWhatItCannotReach) {
  for (const std::string_view text : {
           "",
           "localhost:1234/v1",
           "/v1",
           "ftp://h/",
           "unix:/run/x.sock",
           "http://",
           "http:///v1",
           "http:/v1",
           "http://:80/",
           "http://h:0/",
           "http://h:/",
           "http://h:65536/",
           "http://h:99999999999999999999/",
           "http://h:8a/",
           "http://user:hunter2@h/",
           "http://user@h/",
           "http://h/#frag",
           "http://h/a b",
           "http://h/\r\nX: y",
           "http://h%0d%0aX/",
           "http://h%00/",
           "http://[::1/",
           "http://[v1.x]/",
           " http://h/",
       }) {
    const auto url = parseUrl(text);
    ASSERT_FALSE(url.has_value()) << text;
    EXPECT_FALSE(url.error().message.empty()) << text;
    EXPECT_EQ(url.error().message.find("hunter2"), std::string::npos);
  }
  EXPECT_FALSE(parseUrl("http://h/" + std::string(9000, 'a')).has_value());
  EXPECT_FALSE(parseUrl("http://" + std::string(300, 'a') + "/").has_value());
}

TEST(Url, AppendsPathsWithOneSlash) {
  EXPECT_EQ(withPath(good("http://h"), "/chat").target, "/chat");
  EXPECT_EQ(withPath(good("http://h/v1"), "/chat/completions").target, "/v1/chat/completions");
  EXPECT_EQ(withPath(good("http://h/v1/"), "chat").target, "/v1/chat");
  EXPECT_EQ(withPath(good("http://h/v1"), "").target, "/v1");
}

TEST(Url, KeepsTheBaseQueryBehindAnAppendedPath) {
  EXPECT_EQ(withPath(good("http://h/openai?api-version=1"), "/chat").target,
            "/openai/chat?api-version=1");
  EXPECT_EQ(withPath(good("http://h/x?a=1"), "/y?b=2").target, "/x/y?b=2&a=1");
}

}  // namespace
}  // namespace agw
