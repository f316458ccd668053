#include <set>
#include <utility>

#include "config/readers.h"
#include "shared/model_id.h"

namespace agw::config {
namespace {

// The canonical ids that aliases may stand for.
std::set<std::string> idsOf(const Settings& settings) {
  std::set<std::string> ids;
  for (const AgentSettings& agent : settings.agents) ids.insert(agent.id);
  for (const auto& [name, upstream] : settings.upstreams) {
    for (const std::string& model : upstream.models) ids.insert(name + '/' + model);
  }
  return ids;
}

// As the file would write the ids.
std::vector<std::string_view> shortest(const std::set<std::string>& ids) {
  std::vector<std::string_view> out;
  for (const std::string& id : ids) {
    if (!id.empty()) out.push_back(shortestModelId(id));
  }
  return out;
}

class AliasReader {
 public:
  AliasReader(ReadContext& context, Settings& settings)
      : context_(context), settings_(settings), ids_(idsOf(settings)) {}

  // All aliases are entered before the first is resolved: what they stand for must be none of them.
  void enter(MapReader& top) {
    const Node* const node = top.map("aliases");
    if (node == nullptr) return;
    for (const Member& member : node->members) {
      std::string path = "aliases." + printable(member.key);
      const auto id = canonicalModelId(member.key);
      if (!id) {
        context_.problems.add(member.place, std::move(path),
                              "not a model id; use 1 to 256 of A-Z a-z 0-9 . _ : / @ + -");
        continue;
      }
      const std::string canonical(id->view());
      if (ids_.contains(canonical)) {
        context_.problems.add(member.place, path,
                              "an agent or a model has this id; give the alias another one");
        continue;
      }
      if (!defineOnce(context_, "alias", canonical, shortestModelId(canonical), member.place,
                      path)) {
        continue;
      }
      settings_.aliases.emplace(canonical, AliasSettings{});
      entered_.push_back({&member, canonical, std::move(path)});
    }
  }

  void resolve() {
    for (const Entered& alias : entered_) {
      const Node& value = alias.member->value;
      if (value.broken) continue;
      const auto fault = [&](std::string message) {
        context_.problems.add(value.place, alias.path, std::move(message));
      };
      const auto target =
          value.kind == Node::Kind::Scalar ? canonicalModelId(value.text) : std::nullopt;
      if (!target) {
        fault("not a model id; write what the alias stands for, e.g. research/helper");
        continue;
      }
      const std::string id(target->view());
      if (settings_.aliases.contains(id)) {
        fault(shown(value) + " is an alias itself; write what it stands for");
      } else if (!ids_.contains(id) && !mayBeDiscovered(id)) {
        // An agent whose name is wrong is reported already; what points at it is not wrong as well.
        if (ids_.contains("") || !context_.all_read) continue;
        fault(shown(value) + " is no agent and no plain model" +
              didYouMean(shortestModelId(id), shortest(ids_)));
      } else {
        settings_.aliases[alias.id] = {id, value.secret};
      }
    }
  }

 private:
  // What an upstream lists is not known yet.
  bool mayBeDiscovered(const std::string& id) const {
    const auto upstream = settings_.upstreams.find(id.substr(0, id.find('/')));
    return upstream != settings_.upstreams.end() && upstream->second.discover;
  }

  struct Entered {
    const Member* member;
    std::string id;
    std::string path;
  };

  ReadContext& context_;
  Settings& settings_;
  std::set<std::string> ids_;
  std::vector<Entered> entered_;
};

}  // namespace

void readAliases(std::span<MapReader> tops, Settings& settings) {
  if (tops.empty()) return;
  AliasReader reader(tops.front().context(), settings);
  for (MapReader& top : tops) reader.enter(top);
  reader.resolve();
}

}  // namespace agw::config
