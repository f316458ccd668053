#include "config/print.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "config/values.h"
#include "config/yaml_writer.h"

namespace agw::config {
namespace {

constexpr std::string_view kHidden = "\"***\"";

std::string urlText(const Url& url) {
  std::string text = url.tls ? "https://" : "http://";
  text += url.authority() + url.target.substr(0, url.target.find('?'));
  if (url.target.find('?') != std::string::npos) text += "?***";
  return yamlScalar(text);
}

std::string listText(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) out += (out.size() > 1 ? ", " : "") + yamlScalar(item);
  return out + ']';
}

// The keys of one part, each hidden when the part says so. The part's block in the text begins and
// ends with it.
class Part {
 public:
  Part(YamlWriter& yaml, std::string_view name, const std::set<std::string>& hidden)
      : yaml_(yaml), hidden_(hidden) {
    yaml_.begin(name);
  }
  // An item of a list.
  Part(YamlWriter& yaml, const std::set<std::string>& hidden) : yaml_(yaml), hidden_(hidden) {
    yaml_.beginItem();
  }
  ~Part() { yaml_.end(); }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  void value(const char* key, const std::string& value) {
    yaml_.line(key, hidden_.contains(key) ? kHidden : std::string_view(value));
  }
  void text(const char* key, const std::string& text) { value(key, yamlScalar(text)); }
  void textIfAny(const char* key, const std::string& written) {
    if (!written.empty()) text(key, written);
  }
  void duration(const char* key, Millis span) { value(key, formatDuration(span)); }
  void number(const char* key, std::size_t number) { value(key, std::to_string(number)); }
  void flag(const char* key, bool is_set) {
    value(key, std::string(is_set ? kTruth[0] : kTruth[1]));
  }
  void url(const char* key, const Url& url) { value(key, urlText(url)); }
  void list(const char* key, const std::vector<std::string>& items) {
    if (!items.empty()) value(key, listText(items));
  }
  void json(const char* key, const std::string& json) {
    if (!json.empty()) value(key, yamlOfJson(json));
  }
  // Names with their values hidden, whatever they are.
  void names(const char* key, const std::vector<HeaderSetting>& entries) {
    if (entries.empty()) return;
    yaml_.begin(key);
    for (const HeaderSetting& entry : entries) yaml_.line(entry.name, kHidden);
    yaml_.end();
  }

 private:
  YamlWriter& yaml_;
  const std::set<std::string>& hidden_;
};

void printServer(YamlWriter& yaml, const ServerSettings& server) {
  Part part(yaml, "server", server.hidden);
  part.text("listen", server.listen);
  part.number("threads", server.threads);
  part.text("edge_secret_file", server.edge_secret_file);
  part.duration("drain_timeout", server.drain_timeout);
  part.duration("keep_alive_interval", server.keep_alive_interval);
  part.flag("watch", server.watch);
  part.duration("watch_delay", server.watch_delay);
  part.number("max_open_requests", server.max_open_requests);
  part.number("max_request_memory", server.max_request_memory);
  part.textIfAny("metrics_listen", server.metrics_listen);
}

void printLog(YamlWriter& yaml, const LogSettings& log) {
  Part part(yaml, "log", log.hidden);
  part.textIfAny("file", log.file);
  part.text("level", log.level);
}

void printPolicies(YamlWriter& yaml, const AgentPolicies& policies) {
  Part part(yaml, "policies", policies.hidden);
  part.number("max_tool_hops", policies.max_tool_hops);
  part.duration("max_run", policies.max_run);
  part.number("max_parallel_tools", policies.max_parallel_tools);
  part.number("max_tool_result_bytes", policies.max_tool_result_bytes);
}

void printDefaults(YamlWriter& yaml, const AgentDefaults& defaults) {
  Part part(yaml, "defaults", defaults.hidden);
  part.text("namespace", defaults.name_space);
  part.textIfAny("upstream", defaults.upstream);
  part.textIfAny("model", defaults.model);
  printPolicies(yaml, defaults.policies);
}

void printProtection(Part& part, const UpstreamSettings& upstream) {
  part.number("priority", upstream.priority);
  part.number("weight", upstream.weight);
  part.number("max_concurrent", upstream.max_concurrent);
  part.number("max_queue", upstream.max_queue);
  part.duration("queue_timeout", upstream.queue_timeout);
  part.number("retries", upstream.retry.retries);
  part.duration("retry_backoff", upstream.retry.backoff);
  part.duration("retry_backoff_max", upstream.retry.backoff_max);
  part.number("breaker_failures", upstream.breaker.failures);
  part.number("breaker_failure_percent", upstream.breaker.failure_percent);
  part.duration("breaker_window", upstream.breaker.window);
  part.duration("breaker_open_time", upstream.breaker.open_time);
  part.duration("breaker_open_time_max", upstream.breaker.open_time_max);
}

void printDialect(Part& part, const DialectSettings& dialect) {
  part.flag("supports_developer_role", dialect.developer_role);
  part.flag("supports_stream_usage", dialect.stream_usage);
  part.flag("supports_parallel_tool_calls", dialect.parallel_tool_calls);
  part.flag("supports_max_completion_tokens", dialect.max_completion_tokens);
  part.list("drop_fields", dialect.drop_fields);
}

void printUpstream(YamlWriter& yaml, const UpstreamSettings& upstream) {
  Part part(yaml, upstream.name, upstream.hidden);
  part.text("provider", upstream.provider);
  part.url("base_url", upstream.base_url);
  if (!upstream.api_key.empty()) yaml.line("api_key", kHidden);
  part.names("headers", upstream.headers);
  part.list("models", upstream.models);
  part.duration("connect_timeout", upstream.connect_timeout);
  part.duration("first_byte_timeout", upstream.first_byte_timeout);
  part.duration("idle_timeout", upstream.idle_timeout);
  part.duration("timeout", upstream.timeout);
  printProtection(part, upstream);
  printDialect(part, upstream.dialect);
  part.textIfAny("ca_file", upstream.ca_file);
  part.flag("discover", upstream.discover);
  part.text("health_path", upstream.health_path);
  part.flag("health_allow_404", upstream.health_allow_404);
  part.duration("health_timeout", upstream.health_timeout);
  part.duration("health_interval", upstream.health_interval);
}

void printMcpServer(YamlWriter& yaml, const McpServerSettings& server) {
  Part part(yaml, server.name, server.hidden);
  if (server.transport == McpTransport::Stdio) {
    part.value("transport", "stdio");
    part.text("command", server.command);
    part.list("args", server.args);
    part.names("env", server.env);
  } else {
    part.value("transport", server.transport == McpTransport::Http ? "http" : "sse");
    part.url("url", server.url);
    part.names("headers", server.headers);
  }
  part.duration("timeout", server.timeout);
}

void printTool(YamlWriter& yaml, const ToolSettings& tool) {
  // It is one of these whichever key named it.
  std::set<std::string> hidden = tool.hidden;
  if (hidden.contains("type")) hidden.insert("provider");
  Part part(yaml, hidden);
  part.text("name", tool.name);
  switch (tool.provider) {
    case ToolProvider::Http:
      part.value("provider", "http");
      part.url("url", tool.url);
      part.value("method", tool.method);
      part.names("headers", tool.headers);
      part.number("max_response_bytes", tool.max_response_bytes);
      break;
    case ToolProvider::Mcp:
      part.value("provider", "mcp");
      part.text("mcp_server", tool.mcp_server);
      part.text("mcp_method", tool.mcp_method);
      break;
    case ToolProvider::Local:
      part.value("provider", "local");
      part.text("module", tool.module);
      part.text("function", tool.function);
      break;
  }
  part.textIfAny("description", tool.description);
  part.json("parameters", tool.parameters_json);
  part.duration("timeout", tool.timeout);
}

void printTools(YamlWriter& yaml, const Settings& settings) {
  yaml.begin("tools");
  for (const auto& [key, tool] : settings.tools) {
    if (key == tool.name) printTool(yaml, tool);  // the others are an agent's own
  }
  yaml.end();
}

void printAgentUpstreams(YamlWriter& yaml, Part& part, const AgentSettings& agent) {
  const auto& all = agent.upstreams;
  if (all.empty()) return;
  const bool has_own = std::any_of(all.begin(), all.end(), [&agent](const AgentUpstream& upstream) {
    return upstream.model != agent.model;
  });
  if (agent.hidden.contains("upstream") || (all.size() == 1 && !has_own)) {
    part.text("upstream", all.front().name);
    return;
  }
  yaml.begin("upstream");
  for (const AgentUpstream& upstream : all) {
    if (upstream.model == agent.model) {
      yaml.item(yamlScalar(upstream.name));
      continue;
    }
    yaml.beginItem();
    yaml.text("name", upstream.name);
    yaml.text("model", upstream.model);
    yaml.end();
  }
  yaml.end();
}

void printAgent(YamlWriter& yaml, const AgentSettings& agent, const Settings& settings) {
  Part part(yaml, agent.hidden);
  const std::size_t slash = agent.id.find('/');
  part.text("name", agent.id.substr(slash + 1));
  part.text("namespace", agent.id.substr(0, slash));
  part.textIfAny("display_name", agent.display_name);
  part.textIfAny("description", agent.description);
  part.json("metadata", agent.metadata_json);
  part.value("kind", agent.kind == AgentKind::Sdk ? "sdk" : "declarative");
  printAgentUpstreams(yaml, part, agent);
  part.textIfAny("model", agent.model);
  part.textIfAny("instructions", agent.instructions);
  part.textIfAny("module", agent.module);
  if (!agent.tools.empty()) {
    yaml.begin("tools");
    for (const std::string& key : agent.tools) {
      const ToolSettings& tool = settings.tools.at(key);
      if (key == tool.name) {
        yaml.item(tool.hidden.contains("name") ? kHidden : yamlScalar(key));
        continue;
      }
      printTool(yaml, tool);
    }
    yaml.end();
  }
  printPolicies(yaml, agent.policies);
}

void printAliases(YamlWriter& yaml, const Settings& settings) {
  yaml.begin("aliases");
  for (const auto& [id, alias] : settings.aliases) {
    yaml.line(id, alias.hidden ? std::string(kHidden) : yamlScalar(alias.target));
  }
  yaml.end();
}

}  // namespace

std::string printSettings(const Settings& settings) {
  YamlWriter yaml;
  yaml.line("version", "1");
  printServer(yaml, settings.server);
  printLog(yaml, settings.log);
  printDefaults(yaml, settings.defaults);
  yaml.begin("upstreams");
  for (const auto& [name, upstream] : settings.upstreams) printUpstream(yaml, upstream);
  yaml.end();
  yaml.begin("mcp_servers");
  for (const auto& [name, server] : settings.mcp_servers) printMcpServer(yaml, server);
  yaml.end();
  printTools(yaml, settings);
  yaml.begin("agents");
  for (const AgentSettings& agent : settings.agents) printAgent(yaml, agent, settings);
  yaml.end();
  printAliases(yaml, settings);
  return yaml.take();
}

}  // namespace agw::config
