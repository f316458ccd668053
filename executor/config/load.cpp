#include "config/load.h"

#include <array>
#include <cstdlib>
#include <map>
#include <span>

#include "config/documents.h"
#include "config/dotenv.h"
#include "config/file_reader.h"
#include "config/readers.h"
#include "config/yaml_cache.h"
#include "config/yaml_document.h"

namespace agw::config {
namespace {

bool servesNothing(const Settings& settings) {
  if (!settings.agents.empty()) return false;
  for (const auto& [name, upstream] : settings.upstreams) {
    if (!upstream.models.empty() || upstream.discover) return false;
  }
  return true;
}

void readMap(MapReader& top, bool is_included) {
  static constexpr std::array<std::string_view, 1> kVersions = {"1"};
  top.choice("version", kVersions);
  top.list("include");  // read already; this reports another kind of value
  if (!is_included) return;
  for (const std::string_view key : {"server", "log", "defaults"}) {
    if (const Member* const written = top.member(key)) {
      top.context().problems.add(written->place, std::string(key),
                                 "belongs in " + top.context().problems.fileName(0) +
                                     ", not in a file that it includes; move it there");
    }
  }
}

void readAll(std::span<MapReader> tops, ReadContext& context, Settings& settings) {
  MapReader& first = tops.front();
  for (MapReader& top : tops) readMap(top, &top != &first);
  readServer(first, settings);
  overrideServer(context, settings);
  for (MapReader& top : tops) readUpstreams(top, settings);
  for (MapReader& top : tops) readMcpServers(top, settings);
  overrideMcpServer(context, settings);
  readDefaults(first, settings);
  overrideDefaults(context, settings);
  for (MapReader& top : tops) readTools(top, settings);
  for (MapReader& top : tops) readAgents(top, settings);
  readAliases(tops, settings);
}

LoadResult load(std::string_view text, Problems& problems, FileReader& files,
                const Environment& environment, YamlCache* trees = nullptr) {
  FirstPlaces first;
  ReadContext context{problems, environment, files, first, trees};
  Settings settings;
  const std::vector<Node> documents = readDocuments(text, context);
  if (trees != nullptr) trees->endLoad();
  std::vector<MapReader> tops;
  for (const Node& document : documents) tops.emplace_back(document, "", kTopSection, context);
  if (!tops.empty()) {
    readAll(tops, context, settings);
    if (problems.none() && servesNothing(settings)) {
      problems.warn({}, "", "no agent and no upstream with models: there is nothing to ask");
    }
  }
  return {std::move(settings), problems.takeProblems(), problems.takeWarnings(), files.takeSeen()};
}

// The variables of the .env file beside `config_file`; none when there is no such file.
std::map<std::string, std::string> readDotenv(const std::string& config_file, Problems& problems,
                                              FileReader& files) {
  const std::string path = besideFile(config_file, ".env");
  const FileText content = files.text(path, kMaxDotenvBytes);
  if (content.is_missing) return {};
  const std::size_t file = problems.addFile(path);
  if (content.error.empty()) return parseDotenv(content.text, file, problems);
  problems.add({0, 0, file}, "", "the file " + content.error);
  return {};
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
  FileReader files;
  return load(yaml_text, problems, files, environment);
}

LoadResult loadSettings(const std::string& file, const Environment& environment, YamlCache* trees) {
  Problems problems(file);
  FileReader files;
  // One byte more than is allowed, so that the reader of the text reports the size.
  const FileText content = files.text(file, kMaxYamlBytes + 1);
  const Environment whole = withDotenv(environment, readDotenv(file, problems, files));
  if (content.error.empty()) return load(content.text, problems, files, whole, trees);
  problems.add({}, "", "the file " + content.error);
  return {{}, problems.takeProblems(), {}, files.takeSeen()};
}

Environment processEnvironment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
}

}  // namespace agw::config
