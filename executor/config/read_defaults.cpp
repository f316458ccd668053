#include "config/readers.h"
#include "config/values.h"

namespace agw::config {

using namespace std::chrono_literals;

void readPolicies(MapReader& reader, AgentPolicies& policies) {
  const Node* const node = reader.map("policies");
  if (node == nullptr) return;
  MapReader inner(*node, reader.pathOf("policies"), kPoliciesSection, reader.context());
  inner.integer("max_tool_hops", policies.max_tool_hops, 1, 1000);
  inner.duration("max_run", policies.max_run, 1ms, 24h);
  inner.integer("max_parallel_tools", policies.max_parallel_tools, 1, 256);
  inner.size("max_tool_result_bytes", policies.max_tool_result_bytes, 1, 16 * 1024 * 1024);
  for (const Member& member : node->members) policies.hidden.erase(member.key);
  policies.hidden.merge(inner.hiddenKeys());
}

void readDefaults(MapReader& top, Settings& settings) {
  const Node* const node = top.map("defaults");
  if (node == nullptr) return;
  MapReader reader(*node, "defaults", kDefaultsSection, top.context());
  AgentDefaults& defaults = settings.defaults;

  std::string name_space = defaults.name_space;
  reader.text("namespace", name_space);
  if (isNameSpace(name_space)) {
    defaults.name_space = std::move(name_space);
  } else if (reader.isText("namespace")) {
    reader.fault("namespace", "not a namespace; use 1 to 64 of A-Z a-z 0-9 . _ : @ + -");
  }

  std::string upstream;
  reader.text("upstream", upstream);
  if (settings.upstreams.contains(upstream) || !top.context().all_read) {
    defaults.upstream = std::move(upstream);
  } else if (reader.isText("upstream")) {
    reader.fault("upstream", shown(reader.member("upstream")->value) + " is not in upstreams" +
                                 didYouMean(upstream, keysOf(settings.upstreams)));
  }

  reader.text("model", defaults.model);
  if (reader.isText("model") && (defaults.model.empty() || hasControl(defaults.model))) {
    reader.fault("model", "not a model name; write it as the upstream knows it");
  }
  readPolicies(reader, defaults.policies);
  defaults.hidden = reader.hiddenKeys();
}

}  // namespace agw::config
