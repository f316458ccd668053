// Environment variables that win over the file. A value is checked as the file's is; what is wrong
// with one is a problem that names the variable.
#include <algorithm>
#include <initializer_list>
#include <utility>

#include "config/readers.h"
#include "config/values.h"

namespace agw::config {
namespace {

// What the source documents' host and port default to, when only one of them is set.
constexpr const char* kApiHost = "0.0.0.0";
constexpr const char* kApiPort = "8000";

// nullopt: not set, or set to nothing.
std::optional<std::string> variable(const ReadContext& context, const std::string& name) {
  auto value = context.environment(name);
  if (value && value->empty()) value.reset();
  return value;
}

struct Variable {
  std::string name;
  std::string value;
};

// The first of these that is set.
std::optional<Variable> firstOf(const ReadContext& context,
                                std::initializer_list<const char*> names) {
  for (const char* const name : names) {
    if (auto value = variable(context, name)) return Variable{name, std::move(*value)};
  }
  return std::nullopt;
}

// AGENT_API_HOST and AGENT_API_PORT as one address; nullopt when neither is set, or after a
// problem.
std::optional<std::string> apiAddress(ReadContext& context) {
  const auto host = variable(context, "AGENT_API_HOST");
  const auto port = variable(context, "AGENT_API_PORT");
  if (!host && !port) return std::nullopt;
  std::string shown_host = host.value_or(kApiHost);
  if (shown_host.find(':') != std::string::npos && !shown_host.starts_with('[')) {
    shown_host = '[' + shown_host + ']';
  }
  bool good = true;
  if (!checkListenAddress(shown_host + ':' + kApiPort).empty()) {
    good = false;
    context.problems.addEnvironment("AGENT_API_HOST", "not an IP address; write e.g. 0.0.0.0");
  }
  const std::string shown_port = port.value_or(kApiPort);
  if (!checkListenAddress(std::string(kApiHost) + ':' + shown_port).empty()) {
    good = false;
    context.problems.addEnvironment("AGENT_API_PORT", "not a port; write 0 to 65535");
  }
  if (!good) return std::nullopt;
  return shown_host + ':' + shown_port;
}

void overrideMetricsListen(ReadContext& context, ServerSettings& server) {
  const auto listen = variable(context, "AGENT_GATEWAY_METRICS_LISTEN");
  if (!listen) return;
  const std::string fault = checkListenAddress(*listen);
  if (!fault.empty()) context.problems.addEnvironment("AGENT_GATEWAY_METRICS_LISTEN", fault);
  server.metrics_listen = *listen;
  server.hidden.erase("metrics_listen");
}

void overrideWatch(ReadContext& context, ServerSettings& server) {
  const auto word = variable(context, "AGENT_GATEWAY_WATCH");
  if (!word) return;
  if (std::find(kTruth.begin(), kTruth.end(), *word) == kTruth.end()) {
    context.problems.addEnvironment("AGENT_GATEWAY_WATCH", "not known; write " + oneOf(kTruth));
    return;
  }
  server.watch = *word == kTruth[0];
  server.hidden.erase("watch");
}

void overrideListen(ReadContext& context, ServerSettings& server) {
  auto listen = variable(context, "AGENT_GATEWAY_LISTEN");
  if (listen) {
    const std::string fault = checkListenAddress(*listen);
    if (!fault.empty()) context.problems.addEnvironment("AGENT_GATEWAY_LISTEN", fault);
  } else {
    listen = apiAddress(context);
  }
  if (!listen) return;
  server.listen = *listen;
  server.hidden.erase("listen");
}

// The levels of Python's logging are understood, in any case: LOG_LEVEL is set for it as well.
std::string pythonLevel(std::string level) {
  std::transform(level.begin(), level.end(), level.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (level == "warning") return "warn";
  if (level == "critical") return "error";
  return level;
}

void overrideLevel(ReadContext& context, LogSettings& log) {
  auto level = firstOf(context, {"AGENT_GATEWAY_LOG_LEVEL", "LOG_LEVEL"});
  if (!level) return;
  if (level->name == "LOG_LEVEL") level->value = pythonLevel(std::move(level->value));
  if (std::find(kLogLevels.begin(), kLogLevels.end(), level->value) == kLogLevels.end()) {
    context.problems.addEnvironment(level->name, "not a level; write " + oneOf(kLogLevels));
    return;
  }
  log.level = level->value;
  log.hidden.erase("level");
}

}  // namespace

void overrideServer(ReadContext& context, Settings& settings) {
  overrideListen(context, settings.server);
  overrideMetricsListen(context, settings.server);
  overrideWatch(context, settings.server);
  if (const auto threads = variable(context, "AGENT_GATEWAY_THREADS")) {
    const auto number = parseWholeNumber(*threads);
    if (!number || *number > kMaxThreads) {
      context.problems.addEnvironment(
          "AGENT_GATEWAY_THREADS", "not a whole number from 0 to " + std::to_string(kMaxThreads));
    } else {
      settings.server.threads = static_cast<unsigned>(*number);
      settings.server.hidden.erase("threads");
    }
  }
  if (auto file = variable(context, "AGENT_GATEWAY_EDGE_SECRET_FILE")) {
    settings.server.edge_secret_file = *file;
    settings.server.hidden.erase("edge_secret_file");
  }
  if (auto file = variable(context, "AGENT_GATEWAY_LOG_FILE")) {
    settings.log.file = *file;
    settings.log.hidden.erase("file");
  }
  overrideLevel(context, settings.log);
}

void overrideMcpServer(ReadContext& context, Settings& settings) {
  const auto value = firstOf(context, {"AGENT_GATEWAY_MCP_SERVER_URL", "MCP_SERVER_URL"});
  if (!value) return;
  auto url = parseUrl(value->value);
  if (!url) {
    context.problems.addEnvironment(value->name, url.error().message);
    return;
  }
  if (settings.mcp_servers.size() != 1 ||
      settings.mcp_servers.begin()->second.transport == McpTransport::Stdio) {
    context.problems.warnEnvironment(
        value->name,
        "is not used: it is for a configuration whose mcp_servers are one, with a url");
    return;
  }
  McpServerSettings& server = settings.mcp_servers.begin()->second;
  server.url = std::move(*url);
  server.hidden.insert("url");
}

void overrideDefaults(ReadContext& context, Settings& settings) {
  const auto model = firstOf(context, {"AGENT_GATEWAY_DEFAULT_MODEL", "DEFAULT_MODEL"});
  if (!model) return;
  if (hasControl(model->value)) {
    context.problems.addEnvironment(model->name,
                                    "not a model name; write it as the upstream knows it");
    return;
  }
  settings.defaults.model = model->value;
  settings.defaults.hidden.erase("model");
}

}  // namespace agw::config
