#include "cli/check_config.h"

#include <algorithm>
#include <cstddef>

#include "config/load.h"
#include "config/print.h"

namespace agw::cli {
namespace {

std::string count(std::size_t number, const std::string& one, const std::string& many) {
  return std::to_string(number) + ' ' + (number == 1 ? one : many);
}

std::string withErrors(std::string text, std::ptrdiff_t errors) {
  return errors == 0 ? text : text + " (" + std::to_string(errors) + " with status error)";
}

std::string summary(const config::Settings& settings) {
  std::size_t plain_models = 0;
  for (const auto& [name, upstream] : settings.upstreams) plain_models += upstream.models.size();
  const auto bad_agents =
      std::count_if(settings.agents.begin(), settings.agents.end(),
                    [](const config::AgentSettings& agent) { return !agent.error.empty(); });
  const auto bad_servers =
      std::count_if(settings.mcp_servers.begin(), settings.mcp_servers.end(),
                    [](const auto& entry) { return !entry.second.error.empty(); });
  const auto bad_tools =
      std::count_if(settings.tools.begin(), settings.tools.end(),
                    [](const auto& entry) { return !entry.second.error.empty(); });
  std::string out = withErrors(count(settings.agents.size(), "agent", "agents"), bad_agents);
  if (!settings.aliases.empty()) {
    out += ", " + count(settings.aliases.size(), "alias", "aliases");
  }
  out += ", " + count(settings.upstreams.size(), "upstream", "upstreams");
  out += " with " + count(plain_models, "plain model", "plain models");
  out += ", " +
         withErrors(count(settings.mcp_servers.size(), "MCP server", "MCP servers"), bad_servers);
  out += ", " + withErrors(count(settings.tools.size(), "tool", "tools"), bad_tools);
  return out;
}

}  // namespace

int checkConfig(const std::string& file, CheckOutput output, std::ostream& out, std::ostream& err) {
  const config::LoadResult result = config::loadSettings(file, config::processEnvironment());
  if (!result.problems.empty()) {
    reportProblems(file, result.problems, err);
    return 1;
  }
  std::ostream* warnings = &out;
  if (output == CheckOutput::Settings) {
    out << config::printSettings(result.settings);
    warnings = &err;
  } else {
    out << file << ": ok, " << summary(result.settings) << '\n';
  }
  for (const config::Problem& warning : result.warnings) {
    *warnings << "warning: " << config::formatProblem(warning) << '\n';
  }
  return 0;
}

void reportProblems(const std::string& file, const std::vector<config::Problem>& problems,
                    std::ostream& err) {
  for (const config::Problem& problem : problems) err << config::formatProblem(problem) << '\n';
  err << file << ": " << count(problems.size(), "problem", "problems") << '\n';
}

}  // namespace agw::cli
