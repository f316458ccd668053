#include "bench/load/url.h"

#include <gtest/gtest.h>

namespace agent_load {
namespace {

TEST(LoadUrl, HasItsParts) {
  const Url url = parseUrl("http://127.0.0.1:8080/v1/chat/completions?a=b");
  EXPECT_FALSE(url.tls);
  EXPECT_EQ(url.host, "127.0.0.1");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.authority, "127.0.0.1:8080");
  EXPECT_EQ(url.target, "/v1/chat/completions?a=b");
}

TEST(LoadUrl, PortAndPathHaveDefaults) {
  const Url url = parseUrl("https://localhost");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.port, 443);
  EXPECT_EQ(url.target, "/");
  EXPECT_EQ(parseUrl("http://localhost").port, 80);
  EXPECT_EQ(parseUrl("http://localhost?q").target, "/?q");
}

TEST(LoadUrl, AnIpv6AddressStandsInBrackets) {
  const Url url = parseUrl("http://[::1]:81/");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 81);
  EXPECT_EQ(url.authority, "[::1]:81");
  EXPECT_EQ(parseUrl("http://[::1]").port, 80);
}

TEST(LoadUrl, RefusesWhatItCannotUse) {
  for (const char* text :
       {"", "localhost:80", "ftp://host/", "http://", "http:///path", "http://host:0/",
        "http://host:65536/", "http://host:/", "http://host:8o/", "http://user@host/",
        "http://host/#part", "http://host/a b", "http://[::1/", "http://[::1]80/"}) {
    EXPECT_THROW(parseUrl(text), UsageError) << text;
  }
}

}  // namespace
}  // namespace agent_load
