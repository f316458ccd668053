// An agent with several upstreams, and what upstreams are told about calls.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/print.h"
#include "config/settings_diff.h"
#include "config_test_support.h"

namespace agw::config {
namespace {

const std::string kTwo =
    "upstreams:\n"
    "  one: {base_url: \"http://127.0.0.1:1/v1\"}\n"
    "  two: {base_url: \"http://127.0.0.1:2/v1\"}\n";

LoadResult withAgent(const std::string& keys) {
  return parse(kTwo + "agents: [{name: a, instructions: x, " + keys + "}]\n");
}

std::vector<AgentUpstream> upstreamsOf(const std::string& keys) {
  const LoadResult result = withAgent(keys);
  EXPECT_EQ(lines(result.problems), "");
  return result.settings.agents.at(0).upstreams;
}

using Upstreams = std::vector<AgentUpstream>;

TEST(AgentUpstreams, AreOneNameOrAList) {
  EXPECT_EQ(upstreamsOf("upstream: one, model: m"), (Upstreams{{"one", "m"}}));
  EXPECT_EQ(upstreamsOf("upstream: [two, one], model: m"), (Upstreams{{"two", "m"}, {"one", "m"}}));
  EXPECT_EQ(upstreamsOf("upstream: [one, {name: two, model: n}], model: m"),
            (Upstreams{{"one", "m"}, {"two", "n"}}));
  EXPECT_EQ(upstreamsOf("upstream: [{name: one}, {name: one, model: n}], model: m"),
            (Upstreams{{"one", "m"}, {"one", "n"}}));
}

TEST(AgentUpstreams, MayEachHaveTheirModelInsteadOfTheAgents) {
  EXPECT_EQ(upstreamsOf("upstream: [{name: one, model: m}, {name: two, model: n}]"),
            (Upstreams{{"one", "m"}, {"two", "n"}}));
}

TEST(AgentUpstreams, TakeTheModelOfTheDefaults) {
  const LoadResult result =
      parse(kTwo +
            "defaults: {model: d}\nagents: [{name: a, instructions: x, upstream: [one, "
            "{name: two, model: n}]}]\n");
  ASSERT_EQ(lines(result.problems), "");
  EXPECT_EQ(result.settings.agents[0].upstreams, (Upstreams{{"one", "d"}, {"two", "n"}}));
}

TEST(AgentUpstreams, ArePrintedSoThatTheyCanBeReadAgain) {
  for (const char* keys :
       {"upstream: one, model: m", "upstream: [one, two], model: m",
        "upstream: [{name: one, model: n}], model: m",
        "upstream: [one, {name: two, model: n}, {name: two, model: o}], model: m",
        "upstream: [{name: one, model: m}, {name: two, model: n}]"}) {
    const LoadResult first = withAgent(keys);
    ASSERT_EQ(lines(first.problems), "") << keys;
    const std::string printed = printSettings(first.settings);
    const LoadResult again = parse(printed);
    ASSERT_EQ(lines(again.problems), "") << printed;
    EXPECT_EQ(again.settings.agents[0].upstreams, first.settings.agents[0].upstreams) << printed;
  }
  const LoadResult list = withAgent("upstream: [one, {name: two, model: large}], model: m");
  EXPECT_NE(printSettings(list.settings)
                .find("    upstream:\n      - one\n      - name: two\n        model: large\n"),
            std::string::npos);
}

TEST(AgentUpstreams, FromAVariableArePrintedNowhere) {
  const LoadResult result = parse(kTwo +
                                      "agents: [{name: a, instructions: x, model: m, upstream: "
                                      "[one, {name: two, model: \"${SECRET}\"}]}]\n",
                                  {{"SECRET", "hunter2"}});
  ASSERT_EQ(lines(result.problems), "");
  const std::string printed = printSettings(result.settings);
  EXPECT_NE(printed.find("    upstream: \"***\"\n"), std::string::npos) << printed;
  EXPECT_EQ(printed.find("hunter2"), std::string::npos) << printed;
}

TEST(AgentUpstreams, CountAsAChangeOfTheAgent) {
  const LoadResult before = withAgent("upstream: [one, two], model: m");
  const LoadResult after = withAgent("upstream: [two, one], model: m");
  EXPECT_EQ(diffSettings(before.settings, after.settings).changed,
            (std::vector<std::string>{"agent default/a"}));
}

TEST(UpstreamSettings, HoldWhatIsWritten) {
  const LoadResult result = parse(
      "upstreams:\n"
      "  up: {base_url: \"http://h/v1\", provider: vllm, timeout: 9m, priority: 3, weight: 7,\n"
      "    max_concurrent: 8, max_queue: 0, queue_timeout: 2s, retries: 0, retry_backoff: 10ms,\n"
      "    retry_backoff_max: 20ms, breaker_failures: 0, breaker_failure_percent: 75,\n"
      "    breaker_window: 1m, breaker_open_time: 1s, breaker_open_time_max: 2s,\n"
      "    supports_developer_role: false, supports_stream_usage: false,\n"
      "    supports_parallel_tool_calls: false, supports_max_completion_tokens: false,\n"
      "    drop_fields: [user, messages.refusal]}\n");
  ASSERT_EQ(lines(result.problems), "");
  const UpstreamSettings& up = result.settings.upstreams.at("up");
  EXPECT_EQ(up.provider, "vllm");
  EXPECT_EQ(up.timeout, Millis(540000));
  EXPECT_EQ(up.priority, 3U);
  EXPECT_EQ(up.weight, 7U);
  EXPECT_EQ(up.max_concurrent, 8U);
  EXPECT_EQ(up.max_queue, 0U);
  EXPECT_EQ(up.queue_timeout, Millis(2000));
  EXPECT_EQ(up.retry, (RetrySettings{0, Millis(10), Millis(20)}));
  EXPECT_EQ(up.breaker, (BreakerSettings{0, 75, Millis(60000), Millis(1000), Millis(2000)}));
  EXPECT_EQ(up.dialect,
            (DialectSettings{false, false, false, false, {"user", "messages.refusal"}}));
  const LoadResult again = parse(printSettings(result.settings));
  EXPECT_EQ(again.settings.upstreams, result.settings.upstreams);
}

}  // namespace
}  // namespace agw::config
