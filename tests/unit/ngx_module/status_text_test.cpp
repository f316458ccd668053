#include "ngx_module/status_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <vector>

namespace agw {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// A number of its own in every place.
StatusNumbers someNumbers() {
  StatusNumbers numbers;
  for (std::size_t i = 0; i < kCounters; ++i) numbers.counts[i] = 1000 + i;
  numbers.counts[static_cast<std::size_t>(Counter::ChatsBegun)] = 5007;
  numbers.counts[static_cast<std::size_t>(Counter::ChatsEnded)] = 5000;
  numbers.limits = {.nodes = 512,
                    .nodes_used = 33,
                    .entries = 256,
                    .entries_used = 11,
                    .slots = 9,
                    .reserved = 12'345,
                    .forgotten = 2,
                    .rebuilds = 1};
  numbers.workers = 4;
  numbers.key_generation = 17;
  numbers.keys = 100;
  numbers.key_capacity = 10'000;
  numbers.key_text_used = 4096;
  numbers.key_text_capacity = 65'536;
  numbers.key_loads = 16;
  numbers.key_failures = 3;
  numbers.keys_loaded_at = 1'814'313'600;
  numbers.key_load_microseconds = 1'234'567;
  numbers.keys_expiring = 6;
  numbers.keys_expired = 5;
  numbers.is_key_file_valid = true;
  numbers.version = "1.2.3";
  return numbers;
}

std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(PrometheusText, SaysEachNumberInItsPlace) {
  const std::string text = "\n" + prometheusText(someNumbers());
  for (const auto* line : {
           "agent_gateway_edge_build_info{version=\"1.2.3\"} 1",
           "agent_gateway_edge_workers 4",
           "agent_gateway_edge_requests_total{class=\"2xx\"} 1000",
           "agent_gateway_edge_requests_total{class=\"other\"} 1004",
           "agent_gateway_edge_auth_failures_total{reason=\"missing\"} 1005",
           "agent_gateway_edge_auth_failures_total{reason=\"not_loaded\"} 1009",
           "agent_gateway_edge_denied_total{reason=\"scope\"} 1012",
           "agent_gateway_edge_denied_total{reason=\"agent\"} 1013",
           "agent_gateway_edge_bodies_refused_total 1014",
           "agent_gateway_edge_limits_full_total 1015",
           "agent_gateway_edge_tokens_total{kind=\"completion\"} 1017",
           "agent_gateway_edge_estimated_tokens_total 1019",
           "agent_gateway_edge_estimated_runs_total 1020",
           "agent_gateway_edge_ledger_recovered_total 1021",
           "agent_gateway_edge_limited_total{per=\"key\",limit=\"requests\"} 1027",
           "agent_gateway_edge_limited_total{per=\"user\",limit=\"tokens\"} 1031",
           "agent_gateway_edge_limited_total{per=\"agent\",limit=\"streams\"} 1035",
           "agent_gateway_edge_limited_dry_run_total{per=\"key\",limit=\"requests\"} 1036",
           "agent_gateway_edge_limited_dry_run_total{per=\"agent\",limit=\"streams\"} 1044",
           "agent_gateway_edge_open_chats 7",
           "agent_gateway_edge_slots 9",
           "agent_gateway_edge_reserved_tokens 12345",
           "agent_gateway_edge_ledger_entries 11",
           "agent_gateway_edge_ledger_capacity 256",
           "agent_gateway_edge_limit_states 33",
           "agent_gateway_edge_limit_states_capacity 512",
           "agent_gateway_edge_limit_states_forgotten_total 2",
           "agent_gateway_edge_limit_rebuilds_total 1",
           "agent_gateway_edge_keys 100",
           "agent_gateway_edge_keys_capacity 10000",
           "agent_gateway_edge_keys_text_bytes 4096",
           "agent_gateway_edge_keys_text_capacity_bytes 65536",
           "agent_gateway_edge_keys_generation 17",
           "agent_gateway_edge_key_loads_total 16",
           "agent_gateway_edge_key_load_failures_total 3",
           "agent_gateway_edge_key_file_valid 1",
           "agent_gateway_edge_keys_loaded_timestamp_seconds 1814313600",
           "agent_gateway_edge_key_load_seconds 1.234567",
           "agent_gateway_edge_keys_expiring 6",
           "agent_gateway_edge_keys_expired 5",
       }) {
    EXPECT_THAT(text, HasSubstr("\n" + std::string(line) + "\n"));
  }
}

TEST(PrometheusText, OpensEachFamilyOnceWithHelpAndType) {
  std::set<std::string> families;
  std::set<std::string> samples;
  std::string family;
  std::string type;
  const std::vector<std::string> lines = linesOf(prometheusText(someNumbers()));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::istringstream words(lines[i]);
    std::string first;
    std::string second;
    std::string name;
    words >> first;
    if (first == "#") {
      words >> second >> name;
      ASSERT_EQ(second, "HELP") << lines[i];
      EXPECT_TRUE(families.insert(name).second) << name << " stands twice";
      EXPECT_GT(lines[i].size(), 8 + name.size()) << "no help";
      family = name;
      ASSERT_LT(++i, lines.size());
      type = lines[i].substr(lines[i].rfind(' ') + 1);
      EXPECT_EQ(lines[i], "# TYPE " + name + " " + type);
      EXPECT_TRUE(type == "counter" || type == "gauge") << type;
      EXPECT_EQ(type == "counter", name.ends_with("_total")) << name;
      continue;
    }
    EXPECT_EQ(first.substr(0, first.find('{')), family);
    EXPECT_TRUE(samples.insert(first).second) << first << " stands twice";
  }
  EXPECT_GT(families.size(), 25U);
}

TEST(PrometheusText, WholeNumbersHaveNoPoint) {
  StatusNumbers numbers = someNumbers();
  numbers.key_load_microseconds = 2'000'000;
  EXPECT_THAT(prometheusText(numbers), HasSubstr("key_load_seconds 2\n"));
  numbers.key_load_microseconds = 1;
  EXPECT_THAT(prometheusText(numbers), HasSubstr("key_load_seconds 0.000001\n"));
  numbers.limits.reserved = 1'000'000'000'000'000;
  EXPECT_THAT(prometheusText(numbers), HasSubstr("reserved_tokens 1000000000000000\n"));
}

TEST(JsonText, HoldsTheSameAsTheOtherForm) {
  const json status = json::parse(jsonText(someNumbers()));
  std::map<std::string, double> of_json;
  for (const auto& [name, value] : status.items()) {
    if (name == "key_file_problem") continue;
    if (value.is_number()) {
      of_json[name] = value.get<double>();
      continue;
    }
    for (const json& sample : value) {
      EXPECT_EQ(sample.size(), 2U);
      std::string labels;
      // As they stand in the other form: "per" before "limit".
      for (const auto* label : {"version", "class", "reason", "kind", "per", "limit"}) {
        if (!sample.at("labels").contains(label)) continue;
        labels += (labels.empty() ? "" : ",") + std::string(label) + "=\"" +
                  sample.at("labels").at(label).get<std::string>() + "\"";
      }
      of_json[name + "{" + labels + "}"] = sample.at("value").get<double>();
    }
  }
  std::map<std::string, double> of_prometheus;
  for (const std::string& line : linesOf(prometheusText(someNumbers()))) {
    if (line.starts_with('#')) continue;
    const std::size_t blank = line.rfind(' ');
    of_prometheus[line.substr(0, blank)] = std::stod(line.substr(blank + 1));
  }
  EXPECT_EQ(of_json, of_prometheus);
}

TEST(JsonText, IsPinnedWhereOthersReadIt) {
  const std::string text = jsonText(someNumbers());
  EXPECT_TRUE(text.starts_with(
      "{\"agent_gateway_edge_build_info\":[{\"labels\":{\"version\":\"1.2.3\"},\"value\":1}],\n"
      "\"agent_gateway_edge_workers\":4,\n"
      "\"agent_gateway_edge_requests_total\":[{\"labels\":{\"class\":\"2xx\"},\"value\":1000},"))
      << text;
  EXPECT_TRUE(
      text.ends_with(",\n\"agent_gateway_edge_keys_expired\":5,\n\"key_file_problem\":null}\n"))
      << text;
}

TEST(JsonText, EscapesTheProblemOfTheKeyFile) {
  StatusNumbers numbers = someNumbers();
  numbers.is_key_file_valid = false;
  numbers.key_file_problem = "line 3: \"x\\y\"\t\n\x01\x7F caf\xC3\xA9 \xFF\xC3";
  const json status = json::parse(jsonText(numbers));  // throws on bad UTF-8
  EXPECT_EQ(status.at("agent_gateway_edge_key_file_valid"), 0);
  EXPECT_EQ(status.at("key_file_problem"),
            "line 3: \"x\\y\"\t\n\x01\x7F caf\xC3\xA9 \xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(prometheusText(numbers).find("line 3"), std::string::npos);
}

}  // namespace
}  // namespace agw
