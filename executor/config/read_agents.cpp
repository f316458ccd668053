#include <algorithm>
#include <array>
#include <set>

#include "config/readers.h"
#include "config/values.h"
#include "config/yaml_to_json.h"
#include "shared/model_id.h"

namespace agw::config {
namespace {

constexpr std::array<std::string_view, 2> kKinds = {"declarative", "sdk"};

void readIdentity(MapReader& reader, AgentSettings& agent, const Settings& settings) {
  reader.require("name", "", "e.g. name: assistant");
  std::string name;
  std::string name_space = settings.defaults.name_space;
  reader.text("name", name);
  reader.text("namespace", name_space);
  const auto usable = [&reader](std::string_view key) {
    return !reader.has(key) || !reader.member(key)->value.broken;
  };
  if (!usable("name") || !usable("namespace")) return;

  bool good = reader.has("name");
  if (!isNameSpace(name_space)) {
    good = false;
    reader.fault("namespace", "not a namespace; use 1 to 64 of A-Z a-z 0-9 . _ : @ + -");
  }
  if (const std::size_t slash = name.find('/'); good && slash != std::string::npos) {
    good = false;
    reader.fault("name", "a '/' in the name; write the part before it as namespace:");
  }
  const auto id = canonicalModelId(name_space + '/' + name);
  if (good && !id) {
    good = false;
    reader.fault("name",
                 "not a name for an agent; use A-Z a-z 0-9 . _ : @ + - (256 with namespace)");
  }
  if (!good) return;

  agent.id = std::string(id->view());
  const bool hidden = agent.hidden.contains("name") || agent.hidden.contains("namespace");
  const Place place = reader.member("name")->value.place;
  defineOnce(reader.context(), "agent", agent.id, hidden ? "of this name" : agent.id, place,
             reader.pathOf("name"));
  const auto upstream = settings.upstreams.find(name_space);
  if (upstream != settings.upstreams.end() && !upstream->second.models.empty()) {
    reader.fault(reader.has("namespace") ? "namespace" : "name",
                 "the namespace " + (hidden ? "" : name_space + ' ') +
                     "belongs to the upstream of that name, which has models; rename one of them");
  }
}

void readKind(MapReader& reader, AgentSettings& agent) {
  const std::string kind = reader.choice("kind", kKinds).value_or("declarative");
  if (reader.has("kind") && reader.member("kind")->value.text != kind) return;  // reported

  reader.text("instructions", agent.instructions);
  reader.text("module", agent.module);
  if (kind == "sdk") {
    agent.kind = AgentKind::Sdk;
    agent.error = "kind sdk needs a worker, which this build does not have";
    reader.require("module", "kind sdk", "module: pkg.mod:callable");
    if (reader.has("module") && !reader.member("module")->value.broken &&
        !isModuleCallable(agent.module)) {
      reader.fault("module", "not a module and a callable; write pkg.mod:callable");
    }
    return;
  }
  if (agent.upstreams.empty()) {
    reader.require("upstream", "kind declarative", "a name in upstreams");
  }
  const bool has_models =
      std::none_of(agent.upstreams.begin(), agent.upstreams.end(),
                   [](const AgentUpstream& upstream) { return upstream.model.empty(); });
  if (!has_models || (agent.upstreams.empty() && agent.model.empty())) {
    reader.require("model", "kind declarative", "the model's name on that upstream");
  }
  reader.require("instructions", "kind declarative", "the system message");
  if (reader.isText("instructions") && agent.instructions.empty()) {
    reader.fault("instructions", "empty; write the system message");
  }
  reader.refuse(refusedKeys(kAgentSection, kind), "kind " + kind);
}

// The key of Settings::tools that the list's item stands for; nullopt after a problem.
std::optional<std::string> readToolEntry(const Node& item, const std::string& path,
                                         const AgentSettings& agent, ReadContext& context,
                                         Settings& settings) {
  if (item.kind == Node::Kind::Map) {
    auto tool = readTool(item, path, "", context, settings);
    if (!tool) return std::nullopt;
    std::string key = agent.id + '#' + tool->name;
    settings.tools.emplace(key,
                           std::move(*tool));  // a second one of the name is reported by the caller
    return key;
  }
  if (item.broken) return std::nullopt;
  if (item.kind != Node::Kind::Scalar) {
    context.problems.add(item.place, path,
                         "not a tool; write a name in tools, or name: and provider:");
    return std::nullopt;
  }
  if (!settings.tools.contains(item.text) || item.text.find('#') != std::string::npos) {
    if (!context.all_read) return std::nullopt;
    std::vector<std::string_view> names;
    for (const auto& [name, tool] : settings.tools) {
      if (name == tool.name) names.push_back(name);
    }
    context.problems.add(item.place, path,
                         shown(item) + " is not in tools" + didYouMean(item.text, names));
    return std::nullopt;
  }
  return item.text;
}

void readAgentTools(MapReader& reader, AgentSettings& agent, Settings& settings) {
  const Node* const list = reader.list("tools");
  if (list == nullptr) return;
  std::set<std::string> names;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const std::string path = reader.pathOf("tools") + '[' + std::to_string(i) + ']';
    const auto key = readToolEntry(list->items[i], path, agent, reader.context(), settings);
    if (!key) continue;
    const ToolSettings& tool = settings.tools.at(*key);
    if (!names.insert(tool.name).second) {
      reader.context().problems.add(list->items[i].place, path,
                                    "the agent has another tool of this name; names must differ");
      continue;
    }
    agent.tools.push_back(*key);
    if (!tool.error.empty() && agent.error.empty()) {
      agent.error = "tool " + tool.name + ": " + tool.error;
    }
  }
}

}  // namespace

void readAgents(MapReader& top, Settings& settings) {
  const Node* const list = top.list("agents");
  if (list == nullptr) return;
  const AgentDefaults& defaults = settings.defaults;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const Node& node = list->items[i];
    MapReader reader(node, "agents[" + std::to_string(i) + "]", kAgentSection, top.context());
    if (node.broken || node.kind != Node::Kind::Map) continue;
    AgentSettings agent;
    agent.hidden = reader.hiddenKeys();
    for (const char* key : {"namespace", "upstream", "model"}) {
      if (!reader.has(key) && defaults.hidden.contains(key)) agent.hidden.insert(key);
    }
    readIdentity(reader, agent, settings);
    reader.text("display_name", agent.display_name);
    reader.text("description", agent.description);
    if (const Node* const metadata = reader.map("metadata")) {
      agent.metadata_json =
          yamlToJson(*metadata, reader.pathOf("metadata"), top.context().problems);
    }
    readAgentUpstreams(reader, agent, settings);
    readKind(reader, agent);
    readAgentTools(reader, agent, settings);
    agent.policies = defaults.policies;
    readPolicies(reader, agent.policies);
    if (!agent.error.empty()) {
      top.context().problems.warn(node.place, reader.path(), agent.error);
    }
    settings.agents.push_back(std::move(agent));
  }
}

}  // namespace agw::config
