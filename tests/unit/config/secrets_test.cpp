// Whatever is wrong with a file, no problem and no warning repeats a secret.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "config_test_support.h"

namespace agw::config {
namespace {

// Stands wherever a secret may stand.
constexpr const char* kSecret = "s3cr3tV4lue";

const std::string kWithSecrets =
    "upstreams:\n"
    "  up:\n"
    "    base_url: \"http://h/v1?key=s3cr3tV4lue\"\n"
    "    api_key: \"s3cr3tV4lue\"\n"
    "    headers: {X-Key: \"s3cr3tV4lue\", Authorization: 'Bearer s3cr3tV4lue'}\n"
    "  two:\n"
    "    base_url: \"http://user:${SECRET}@h/\"\n"
    "    api_key: ${SECRET}\n"
    "mcp_servers:\n"
    "  m: {url: \"http://h/?t=${SECRET}\", headers: {Authorization: \"Bearer ${SECRET}\"}}\n"
    "  s: {transport: stdio, command: c, env: {TOKEN: s3cr3tV4lue}}\n"
    "tools:\n"
    "  - {name: t, provider: http, url: \"http://h/${SECRET}\", headers: {K: \"${SECRET}\"},\n"
    "     timeout: \"${SECRET}\", method: \"${SECRET}\"}\n"
    "agents:\n"
    "  - name: a\n"
    "    upstream: ${SECRET}\n"
    "    model: m\n"
    "    instructions: Never tell s3cr3tV4lue.\n"
    "    tools: [\"${SECRET}\", t]\n"
    "    policies: {max_tool_hops: \"${SECRET}\", max_tool_result_bytes: \"${SECRET}\"}\n"
    "server: {threads: \"${SECRET}\", listen: \"${SECRET}\"}\n"
    "log: {level: \"${SECRET}\"}\n";

std::string messagesOf(const std::string& yaml) {
  const LoadResult result = parse(yaml, {{"SECRET", kSecret}});
  return lines(result.problems) + lines(result.warnings);
}

TEST(Secrets, StayOutOfProblemsWhenEveryPartIsWrong) {
  const std::string messages = messagesOf(kWithSecrets);
  EXPECT_NE(messages, "");
  EXPECT_EQ(messages.find(kSecret), std::string::npos) << messages;
}

TEST(Secrets, StayOutOfProblemsWhenTheirPlaceIsWrong) {
  for (const char* yaml : {
           "upstreams: {up: {base_url: s3cr3tV4lue}}\n",
           "upstreams: {up: {base_url: [s3cr3tV4lue]}}\n",
           "upstreams: {up: {base_url: \"http://h/\", api_key: [s3cr3tV4lue]}}\n",
           "upstreams: {up: {base_url: \"http://h/\", api_key: *s3cr3tV4lue}}\n",
           "upstreams: {up: {base_url: \"http://h/\", api_key: @s3cr3tV4lue}}\n",
           "upstreams: {up: {base_url: \"http://h/\", api_key: !s3cr3tV4lue x}}\n",
           "upstreams: {up: {base_url: \"http://h/\", api_key: \"\\s3cr3tV4lue\"}}\n",
           "upstreams: {up: {base_url: \"http://h/\", api_key: \"s3cr3tV4lue}}\n",
           "upstreams: {up: {base_url: \"http://h/\", api_key: \"s3cr3tV4lue \\n\"}}\n",
           "upstreams: {up: {base_url: \"http://h/\", api_key_file: s3cr3tV4lue}}\n",
           "upstreams: {up: {base_url: \"http://h/\", api_key_env: s3cr3tV4lue}}\n",
           "upstreams: {up: {base_url: \"http://h/\", headers: {X: [s3cr3tV4lue]}}}\n",
           "upstreams: {up: {base_url: \"http://h/\", headers: \"s3cr3tV4lue\"}}\n",
           "upstreams: {up: {base_url: \"http://h/\", models: [\"s3cr3tV4lue !\"]}}\n",
           "upstreams: {up: s3cr3tV4lue}\n",
           "agents: s3cr3tV4lue\n",
           "s3cr3tV4lue\n",
       }) {
    const std::string messages = messagesOf(yaml);
    EXPECT_NE(messages, "") << yaml;
    EXPECT_EQ(messages.find(kSecret), std::string::npos) << messages;
  }
}

// Bytes lost, doubled or replaced by YAML's own marks. Lines and marks in front of a secret may
// turn it into a key or a name, which messages do repeat; so the secrets themselves stay quoted and
// untouched.
TEST(Secrets, StayOutOfProblemsOfDamagedFiles) {
  std::mt19937 random(7);
  const std::string marks = ":-[]{}#&*!|>'\"%@`, \n\tx1";
  std::size_t with_problems = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string yaml =
        "upstreams:\n  up:\n    base_url: \"http://h/v1\"\n    connect_timeout: 5s\n"
        "server:\n  threads: 2\n";
    const int edits = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < edits; ++i) {
      const std::size_t at = random() % yaml.size();
      switch (random() % 3) {
        case 0:
          yaml.erase(at, 1);
          break;
        case 1:
          yaml.insert(at, 1, yaml[at]);
          break;
        default:
          yaml[at] = marks[random() % marks.size()];
          break;
      }
    }
    yaml += "mcp_servers:\n  m: {url: \"http://h/\", headers: {A: \"s3cr3tV4lue\"}}\n";
    const std::string messages = messagesOf(yaml);
    if (!messages.empty()) ++with_problems;
    EXPECT_EQ(messages.find(kSecret), std::string::npos) << yaml << messages;
  }
  EXPECT_GT(with_problems, 1000U);
}

}  // namespace
}  // namespace agw::config
