// The parts of the files, each read into Settings. Call in this order, each for all files: later
// parts refer to earlier ones. A part with problems is still entered by its name, so that
// references to it are not reported as well.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>

#include "config/map_reader.h"
#include "config/settings.h"

namespace agw::config {

inline constexpr std::array<std::string_view, 4> kLogLevels = {"debug", "info", "warn", "error"};
inline constexpr unsigned kMaxThreads = 256;

void readServer(MapReader& top, Settings& settings);  // server and log
void overrideServer(ReadContext& context, Settings& settings);
void readUpstreams(MapReader& top, Settings& settings);
void readMcpServers(MapReader& top, Settings& settings);
void overrideMcpServer(ReadContext& context, Settings& settings);
void readDefaults(MapReader& top, Settings& settings);
void overrideDefaults(ReadContext& context, Settings& settings);
void readTools(MapReader& top, Settings& settings);
void readAgents(MapReader& top, Settings& settings);
void readAliases(std::span<MapReader> tops, Settings& settings);  // of all files

// `upstream` and `model` of an agent.
void readAgentUpstreams(MapReader& reader, AgentSettings& agent, const Settings& settings);

// Of defaults and of agents; what is not written stays as it is.
void readPolicies(MapReader& reader, AgentPolicies& policies);

// One tool, top-level or inline. `map_name` is its key where tools are a map, else "". nullopt: it
// has no usable name.
std::optional<ToolSettings> readTool(const Node& node, const std::string& path,
                                     const std::string& map_name, ReadContext& context,
                                     const Settings& settings);

// The names of a map, as candidates for "did you mean".
template <class Map>
std::vector<std::string_view> keysOf(const Map& map) {
  std::vector<std::string_view> keys;
  for (const auto& [name, value] : map) keys.push_back(name);
  return keys;
}

}  // namespace agw::config
