#include <algorithm>

#include "config/readers.h"
#include "config/values.h"

namespace agw::config {
namespace {

constexpr unsigned kMostUpstreams = 32;

class UpstreamList {
 public:
  UpstreamList(MapReader& reader, AgentSettings& agent, const Settings& settings)
      : context_(reader.context()), agent_(agent), settings_(settings) {}

  // `node` is the name, as a text.
  void addName(const Node& node, const std::string& path) {
    if (context_.all_read && !settings_.upstreams.contains(node.text)) {
      context_.problems.add(node.place, path,
                            shown(node) + " is not in upstreams" +
                                didYouMean(node.text, keysOf(settings_.upstreams)));
    }
    add({node.text, agent_.model}, node.place, path);
  }

  void addItem(const Node& item, const std::string& path) {
    if (item.broken) return;
    if (item.kind == Node::Kind::Scalar) return addName(item, path);
    if (item.kind != Node::Kind::Map) {
      context_.problems.add(item.place, path, "not an upstream; write a name, or name: and model:");
      return;
    }
    MapReader reader(item, path, kAgentUpstreamSection, context_);
    reader.require("name", "", "a name in upstreams");
    std::string model = agent_.model;
    reader.text("model", model);
    if (reader.isText("model") && (model.empty() || hasControl(model))) {
      reader.fault("model", "not a model name; write it as the upstream knows it");
    }
    if (!reader.isText("name")) return;
    addName(reader.member("name")->value, reader.pathOf("name"));
    if (!agent_.upstreams.empty()) agent_.upstreams.back().model = std::move(model);
  }

 private:
  void add(AgentUpstream upstream, const Place& place, const std::string& path) {
    if (agent_.upstreams.size() == kMostUpstreams) {
      context_.problems.add(
          place, path, "an agent has at most " + std::to_string(kMostUpstreams) + " upstreams");
    }
    agent_.upstreams.push_back(std::move(upstream));
  }

  ReadContext& context_;
  AgentSettings& agent_;
  const Settings& settings_;
};

void refuseTwice(MapReader& reader, const Node& list, const AgentSettings& agent) {
  for (std::size_t i = 1; i < agent.upstreams.size(); ++i) {
    const auto here = agent.upstreams.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(agent.upstreams.begin(), here, *here) == here) continue;
    const std::string path = reader.pathOf("upstream") + '[' + std::to_string(i) + ']';
    reader.context().problems.add(list.items[i].place, path,
                                  "stands twice with the same model; remove one");
  }
}

void readList(MapReader& reader, AgentSettings& agent, const Settings& settings, const Node& list) {
  UpstreamList upstreams(reader, agent, settings);
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    upstreams.addItem(list.items[i], reader.pathOf("upstream") + '[' + std::to_string(i) + ']');
  }
  if (list.items.empty()) reader.fault("upstream", "an empty list; write names in upstreams");
  if (agent.upstreams.size() == list.items.size()) refuseTwice(reader, list, agent);
}

}  // namespace

void readAgentUpstreams(MapReader& reader, AgentSettings& agent, const Settings& settings) {
  agent.model = settings.defaults.model;
  reader.text("model", agent.model);
  if (reader.isText("model") && (agent.model.empty() || hasControl(agent.model))) {
    reader.fault("model", "not a model name; write it as the upstream knows it");
  }
  const Member* const written = reader.member("upstream");
  if (written == nullptr) {
    if (!settings.defaults.upstream.empty()) {
      agent.upstreams.push_back({settings.defaults.upstream, agent.model});
    }
    return;
  }
  if (!written->value.broken && written->value.kind == Node::Kind::List) {
    readList(reader, agent, settings, written->value);
    return;
  }
  std::string name;
  reader.text("upstream", name);  // reports what is neither
  if (reader.isText("upstream")) {
    UpstreamList(reader, agent, settings).addName(written->value, reader.pathOf("upstream"));
  }
}

}  // namespace agw::config
