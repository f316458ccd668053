#include "shared/edge_headers.h"

#include <gtest/gtest.h>

#include <string>

namespace agw {
namespace {

TEST(EdgeHeaders, KnowsTheirSpellings) {
  for (const auto* name : {"X-Agent-Key-Id", "x-agent-proof", "X-AGENT-ANYTHING", "X_Agent_Model",
                           "x-agent_model", "x-agent-"}) {
    EXPECT_TRUE(isAgentHeader(name)) << name;
  }
  for (const auto* name : {"", "x-agent", "X-Agents-Id", "X-Request-Id", "Authorization",
                           "xx-agent-id", "x.agent.id"}) {
    EXPECT_FALSE(isAgentHeader(name)) << name;
  }
}

TEST(EdgeHeaders, BoundsRequestIds) {
  EXPECT_TRUE(isValidRequestId("a"));
  EXPECT_TRUE(isValidRequestId("AZaz09._-"));
  EXPECT_TRUE(isValidRequestId(std::string(128, 'x')));
  EXPECT_FALSE(isValidRequestId(""));
  EXPECT_FALSE(isValidRequestId(std::string(129, 'x')));
  for (const auto* id : {"a b", "a\n", "a/b", "a:b", "\xC3\xA4", "a\"", "<x>"}) {
    EXPECT_FALSE(isValidRequestId(id)) << id;
  }
}

TEST(EdgeHeaders, ScopesAreAListOfWords) {
  EXPECT_EQ(parseScopes("chat"), scopeBit(Scope::Chat));
  EXPECT_EQ(parseScopes("admin,chat"), scopeBit(Scope::Chat) | scopeBit(Scope::Admin));
  EXPECT_EQ(parseScopes("mcp,mcp"), scopeBit(Scope::Mcp));
  for (const auto* bad :
       {"", ",", "chat,", ",chat", "chat,,mcp", "Chat", "chat ", "root", "chatmcp"}) {
    EXPECT_FALSE(parseScopes(bad)) << bad;
  }
}

TEST(EdgeHeaders, ScopesReadBackAsTheyWereWritten) {
  EXPECT_EQ(formatScopes(0), "");
  EXPECT_EQ(formatScopes(15), "chat,mcp,runs,admin");
  for (unsigned scopes = 1; scopes < 16; ++scopes) {
    EXPECT_EQ(parseScopes(formatScopes(static_cast<ScopeSet>(scopes))), scopes);
  }
}

TEST(EdgeHeaders, GrantsHaveThePinnedForm) {
  std::string out = "x";
  appendGrants(out, {"default/*,research/*", "research/secret", "researcher"});
  EXPECT_EQ(out, "xallow=default/*,research/*;deny=research/secret;act_as=researcher");
  out.clear();
  appendGrants(out, {"", "a", ""});
  EXPECT_EQ(out, "deny=a");
  out.clear();
  appendGrants(out, {});
  EXPECT_EQ(out, "");
}

TEST(EdgeHeaders, GrantsAreReadBack) {
  const auto all = parseGrants("allow=default/*,research/*;deny=research/secret;act_as=researcher");
  ASSERT_TRUE(all);
  EXPECT_EQ(all->allow, "default/*,research/*");
  EXPECT_EQ(all->deny, "research/secret");
  EXPECT_EQ(all->act_as, "researcher");
  const auto some = parseGrants("act_as=x;allow=*");
  ASSERT_TRUE(some);
  EXPECT_EQ(some->allow, "*");
  EXPECT_EQ(some->deny, "");
  ASSERT_TRUE(parseGrants(""));
  EXPECT_EQ(parseGrants("")->allow, "");
  for (const auto* bad : {";", "allow=*;", ";allow=*", "allow=", "allow=*;allow=*", "allow=a b",
                          "allow=a,", "deny=", "act_as=", "act_as=a b", "Allow=*", "allow",
                          "grant=*", "allow=*;;deny=a", "allow=* ;deny=a"}) {
    EXPECT_FALSE(parseGrants(bad)) << bad;
  }
}

TEST(EdgeHeaders, UsageHasThePinnedForm) {
  EXPECT_EQ(formatUsage({11, 7, 18}),
            R"({"prompt_tokens":11,"completion_tokens":7,"total_tokens":18})");
}

TEST(EdgeHeaders, UsageIsReadStrictly) {
  const auto usage = parseUsage(R"({"prompt_tokens":11,"completion_tokens":7,"total_tokens":18})");
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->prompt_tokens, 11);
  EXPECT_EQ(usage->completion_tokens, 7);
  EXPECT_EQ(usage->total_tokens, 18);
  EXPECT_TRUE(
      parseUsage(" { \"prompt_tokens\" : 0 , \"completion_tokens\":\t0, \"total_tokens\":0 } "));
  EXPECT_EQ(
      parseUsage(R"({"prompt_tokens":9223372036854775807,"completion_tokens":0,"total_tokens":0})")
          ->prompt_tokens,
      9223372036854775807);
  for (const auto* bad : {
           "",
           "{}",
           R"({"prompt_tokens":11,"completion_tokens":7})",
           R"({"completion_tokens":7,"prompt_tokens":11,"total_tokens":18})",
           R"({"prompt_tokens":-1,"completion_tokens":7,"total_tokens":18})",
           R"({"prompt_tokens":01,"completion_tokens":7,"total_tokens":18})",
           R"({"prompt_tokens":1.0,"completion_tokens":7,"total_tokens":18})",
           R"({"prompt_tokens":"1","completion_tokens":7,"total_tokens":18})",
           R"({"prompt_tokens":null,"completion_tokens":7,"total_tokens":18})",
           R"({"prompt_tokens":,"completion_tokens":7,"total_tokens":18})",
           R"({"prompt_tokens":9223372036854775808,"completion_tokens":7,"total_tokens":18})",
           R"({"prompt_tokens":1,"completion_tokens":7,"total_tokens":18}x)",
           R"({"prompt_tokens":1,"completion_tokens":7,"total_tokens":18,"x":1})",
           R"({"prompt_tokens":1,"completion_tokens":7,"total_tokens":18)",
       }) {
    EXPECT_FALSE(parseUsage(bad)) << bad;
  }
}

}  // namespace
}  // namespace agw
