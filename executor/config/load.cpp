#include "config/load.h"

#include <array>
#include <cstdlib>

#include "config/env_expand.h"
#include "config/readers.h"
#include "config/secret_file.h"
#include "config/yaml_document.h"

namespace agw::config {
namespace {

bool servesNothing(const Settings& settings) {
  if (!settings.agents.empty()) return false;
  for (const auto& [name, upstream] : settings.upstreams) {
    if (!upstream.models.empty()) return false;
  }
  return true;
}

}  // namespace

std::string formatProblem(const Problem& problem) {
  std::string out = problem.file;
  if (problem.line != 0) {
    out += ':' + std::to_string(problem.line) + ':' + std::to_string(problem.column);
  }
  if (!problem.path.empty()) out += ": " + problem.path;
  return out + ": " + problem.message;
}

LoadResult parseSettings(const std::string& yaml_text, const std::string& file_name,
                         const Environment& environment) {
  Problems problems(file_name);
  Settings settings;
  if (std::optional<Node> root = readYaml(yaml_text, problems)) {
    expandTree(*root, environment, problems);
    ReadContext context{problems, environment};
    MapReader top(*root, "", kTopSection, context);
    static constexpr std::array<std::string_view, 1> kVersions = {"1"};
    top.choice("version", kVersions);
    readServer(top, settings);
    readUpstreams(top, settings);
    readMcpServers(top, settings);
    readTools(top, settings);
    readAgents(top, settings);
    if (problems.none() && servesNothing(settings)) {
      problems.warn({}, "", "no agent and no upstream with models: there is nothing to ask");
    }
  }
  return {std::move(settings), problems.takeProblems(), problems.takeWarnings()};
}

LoadResult loadSettings(const std::string& file, const Environment& environment) {
  // One byte more than is allowed, so that the reader of the text reports the size.
  FileText content = readRegularFile(file, kMaxYamlBytes + 1);
  if (!content.error.empty()) {
    Problems problems(file);
    problems.add({}, "", "the file " + content.error);
    return {{}, problems.takeProblems(), {}};
  }
  return parseSettings(content.text, file, environment);
}

Environment processEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

}  // namespace agw::config
