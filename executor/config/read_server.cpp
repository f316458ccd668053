#include <algorithm>
#include <array>

#include "config/readers.h"
#include "config/values.h"

namespace agw::config {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};
constexpr unsigned kMaxThreads = 256;

// nullopt: not set, or set to nothing.
std::optional<std::string> variable(const ReadContext& context, const std::string& name) {
  auto value = context.environment(name);
  if (value && value->empty()) value.reset();
  return value;
}

void readEnvironment(ReadContext& context, Settings& settings) {
  if (auto listen = variable(context, "AGENT_GATEWAY_LISTEN")) {
    const std::string fault = checkListenAddress(*listen);
    if (!fault.empty()) context.problems.addEnvironment("AGENT_GATEWAY_LISTEN", fault);
    settings.server.listen = *listen;
  }
  if (const auto threads = variable(context, "AGENT_GATEWAY_THREADS")) {
    const auto number = parseWholeNumber(*threads);
    if (!number || *number > kMaxThreads) {
      context.problems.addEnvironment(
          "AGENT_GATEWAY_THREADS", "not a whole number from 0 to " + std::to_string(kMaxThreads));
    } else {
      settings.server.threads = static_cast<unsigned>(*number);
    }
  }
  if (auto file = variable(context, "AGENT_GATEWAY_EDGE_SECRET_FILE")) {
    settings.server.edge_secret_file = *file;
  }
  if (auto file = variable(context, "AGENT_GATEWAY_LOG_FILE")) settings.log.file = *file;
  if (auto level = variable(context, "AGENT_GATEWAY_LOG_LEVEL")) {
    if (std::find(kLevels.begin(), kLevels.end(), *level) == kLevels.end()) {
      context.problems.addEnvironment("AGENT_GATEWAY_LOG_LEVEL",
                                      "not a level; write " + oneOf(kLevels));
    }
    settings.log.level = *level;
  }
}

}  // namespace

void readServer(MapReader& top, Settings& settings) {
  ReadContext& context = top.context();
  if (const Node* const node = top.map("server")) {
    MapReader server(*node, "server", kServerSection, context);
    server.text("listen", settings.server.listen);
    const std::string fault = checkListenAddress(settings.server.listen);
    if (!fault.empty()) server.fault("listen", fault);
    server.integer("threads", settings.server.threads, 0, kMaxThreads);
    server.path("edge_secret_file", settings.server.edge_secret_file);
    server.duration("drain_timeout", settings.server.drain_timeout, 0ms, 1h);
    server.duration("keep_alive_interval", settings.server.keep_alive_interval, 50ms, 10min);
  }
  if (const Node* const node = top.map("log")) {
    MapReader log(*node, "log", kLogSection, context);
    log.path("file", settings.log.file);
    if (auto level = log.choice("level", kLevels)) settings.log.level = *level;
  }
  readEnvironment(context, settings);
}

}  // namespace agw::config
