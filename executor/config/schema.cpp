#include "config/schema.h"

#include <algorithm>
#include <array>

namespace agw::config {
namespace {

constexpr std::string_view kRequired = "required";
constexpr std::string_view kNone = "none";

constexpr std::array kTopKeys = {
    Key{"version", "integer", "1", "version of this format; only 1 exists"},
    Key{"server", "map", kNone, "where the executor listens and how it ends"},
    Key{"log", "map", kNone, "where the executor logs and how much"},
    Key{"defaults", "map", kNone, "what agents take that do not write it themselves"},
    Key{"upstreams", "map of name to upstream", kNone, "OpenAI-compatible LLM servers"},
    Key{"mcp_servers", "map of name to MCP server", kNone, "MCP servers that tools may name"},
    Key{"tools", "list, or map of name to tool", kNone, "tools that agents may use by name"},
    Key{"agents", "list of agents", kNone, "what clients see as models"},
    Key{"aliases", "map of id to model id", kNone,
        "further ids of agents and plain models; `fast` is `default/fast`"},
    Key{"include", "list of paths", kNone,
        "files that hold further parts, relative to the file that names them"},
};

constexpr std::array kServerKeys = {
    Key{"listen", "address", "unix:/run/agent-gateway/executor.sock",
        "`unix:/path`, `IP:port` or `[IPv6]:port`; `AGENT_GATEWAY_LISTEN` wins"},
    Key{"threads", "integer 0..256", "0",
        "threads that serve requests; 0 is one a core; `AGENT_GATEWAY_THREADS` wins"},
    Key{"edge_secret_file", "path", "/etc/agent-gateway/edge_secret",
        "secret that edge and executor share; `AGENT_GATEWAY_EDGE_SECRET_FILE` wins"},
    Key{"drain_timeout", "duration 0s..1h", "30s",
        "how long running requests may go on after a stop signal"},
    Key{"keep_alive_interval", "duration 50ms..10m", "15s",
        "silence in a stream after which a `: keep-alive` comment is sent"},
    Key{"watch", "true or false", "true",
        "whether changed files are taken into use by themselves; `AGENT_GATEWAY_WATCH` wins"},
    Key{"watch_delay", "duration 10ms..1m", "300ms",
        "how long the files must have been left alone before a change is taken into use"},
    Key{"max_open_requests", "integer 1..1000000", "8000",
        "requests at work at a time; further ones get 503 `overloaded`, but for probes"},
    Key{"max_request_memory", "size 1m..65536m", "512m",
        "bytes of request bodies held at a time; what does not fit gets 503 `overloaded` unread"},
    Key{"metrics_listen", "address", kNone,
        "like `listen`: where `/metrics` is; none: nowhere; `AGENT_GATEWAY_METRICS_LISTEN` wins"},
};

constexpr std::array kLogKeys = {
    Key{"file", "path", kNone, "log file; none is standard error; `AGENT_GATEWAY_LOG_FILE` wins"},
    Key{"level", "debug, info, warn or error", "info",
        "least level that is written; `AGENT_GATEWAY_LOG_LEVEL` wins"},
};

constexpr std::array kDefaultsKeys = {
    Key{"namespace", "name", "default", "namespace of agents without one"},
    Key{"upstream", "name", kNone, "upstream of agents without one; a name in `upstreams`"},
    Key{"model", "text", kNone, "model of agents without one; `AGENT_GATEWAY_DEFAULT_MODEL` wins"},
    Key{"policies", "map", kNone, "bounds of a run, each for agents that do not write it"},
};

constexpr std::array kUpstreamKeys = {
    Key{"provider", "text", "openai-compatible", "what kind of server it is, for people"},
    Key{"base_url", "URL", kRequired, "base of the API, e.g. `http://localhost:1234/v1`"},
    Key{"api_key", "secret", kNone, "sent as `Authorization: Bearer`; empty or none: not sent"},
    Key{"api_key_env", "variable name", kNone, "environment variable that holds the key"},
    Key{"api_key_file", "path", kNone, "file whose one line is the key"},
    Key{"headers", "map of name to text", kNone, "headers sent with every request"},
    Key{"models", "list of text", kNone,
        "models served without an agent, to clients as `<upstream>/<model>`"},
    Key{"connect_timeout", "duration 1ms..10m", "5s", "name lookup, TCP and TLS together"},
    Key{"first_byte_timeout", "duration 1ms..24h", "2m", "from the request to the response header"},
    Key{"idle_timeout", "duration 1ms..24h", "2m", "longest silence inside a response"},
    Key{"timeout", "duration 0s..24h", "0s",
        "longest time of one request with its whole response; 0 is none"},
    Key{"priority", "integer 0..1000", "0", "of an agent's upstreams those with less come first"},
    Key{"weight", "integer 1..1000", "1",
        "share of the calls among an agent's upstreams of one priority"},
    Key{"max_concurrent", "integer 0..100000", "0", "requests at a time; 0 is any number"},
    Key{"max_queue", "integer 0..100000", "100", "calls that wait for one of those to end"},
    Key{"queue_timeout", "duration 1ms..1h", "10s", "longest such wait"},
    Key{"retries", "integer 0..10", "2",
        "how often a call that failed before its answer began is made again"},
    Key{"retry_backoff", "duration 1ms..1m", "250ms",
        "longest wait before the first retry; twice as long before each further one"},
    Key{"retry_backoff_max", "duration 1ms..10m", "10s",
        "longest wait before any retry; a longer `Retry-After` is not waited for"},
    Key{"breaker_failures", "integer 0..1000", "5",
        "failures in a row after which the server is left alone; 0 is never"},
    Key{"breaker_failure_percent", "integer 1..100", "50",
        "or this share of 20 or more calls within `breaker_window`"},
    Key{"breaker_window", "duration 1s..1h", "30s", "how far that share looks back"},
    Key{"breaker_open_time", "duration 1ms..1h", "5s",
        "how long it is left alone, until one call tries it; twice as long each time that fails"},
    Key{"breaker_open_time_max", "duration 1ms..24h", "1m", "longest such time"},
    Key{"supports_developer_role", "true or false", "true",
        "`false`: messages of the role `developer` are sent as `system`"},
    Key{"supports_stream_usage", "true or false", "true",
        "`false`: `stream_options` is not sent, so that streams may have no token counts"},
    Key{"supports_parallel_tool_calls", "true or false", "true",
        "`false`: `parallel_tool_calls` is not sent"},
    Key{"supports_max_completion_tokens", "true or false", "true",
        "`false`: `max_completion_tokens` is sent as `max_tokens`"},
    Key{"drop_fields", "list of text", kNone,
        "further fields that are not sent: `user`, `messages.refusal`, `tools.function.strict`"},
    Key{"ca_file", "path", kNone, "PEM file of trusted CAs; none is the system's trust store"},
    Key{"discover", "true or false", "false",
        "whether the models that the server lists are served, too"},
    Key{"health_path", "text", "/models",
        "what is asked to see whether the server is well, below `base_url`"},
    Key{"health_allow_404", "true or false", "false",
        "whether 404 counts as well, for servers that do not know that path"},
    Key{"health_timeout", "duration 1ms..10m", "5s", "longest time of one such look"},
    Key{"health_interval", "duration 100ms..24h", "30s", "from one look to the next"},
};

constexpr std::array kMcpServerKeys = {
    Key{"transport", "http, stdio or sse", "http",
        "`http` is streamable HTTP; `stdio` and `sse` load with status `error`"},
    Key{"url", "URL", kNone,
        "the server's endpoint; required for `http` and `sse`; `AGENT_GATEWAY_MCP_SERVER_URL` wins "
        "where there is but one"},
    Key{"headers", "map of name to text", kNone, "headers sent with every request"},
    Key{"timeout", "duration 1ms..24h", "30s", "longest time of one call"},
    Key{"command", "text", kNone, "program to start; required for `stdio`"},
    Key{"args", "list of text", kNone, "its arguments; `stdio` only"},
    Key{"env", "map of name to text", kNone, "its environment variables; `stdio` only"},
};

constexpr std::array kToolKeys = {
    Key{"name", "tool name", kRequired,
        "as the model sees it, `[A-Za-z0-9_-]{1,64}`; in a map of tools its key is the name"},
    Key{"provider", "mcp, http or local", kRequired,
        "what runs the tool; `local` loads with status `error`"},
    Key{"type", "mcp, http or local", kNone, "another spelling of `provider`"},
    Key{"description", "text", kNone, "for the model; none with `mcp`: the server's"},
    Key{"parameters", "JSON Schema", kNone,
        "schema of the arguments, an object; none: no arguments, with `mcp` the server's"},
    Key{"timeout", "duration 1ms..24h", "30s",
        "longest time of one call; with `mcp` the default is the server's `timeout`"},
    Key{"mcp_server", "name", kNone, "`mcp`, required: a name in `mcp_servers`"},
    Key{"mcp_method", "text", kNone, "`mcp`: the tool's name on that server; none: `name`"},
    Key{"url", "URL", kNone, "`http`, required: where the call goes"},
    Key{"method", "GET, POST, PUT, PATCH or DELETE", "POST",
        "`http`: `GET` puts the arguments into the query, the others into a JSON body"},
    Key{"headers", "map of name to text", kNone, "`http`: headers sent with every call"},
    Key{"max_response_bytes", "size 1..64m", "1m", "`http`: a longer response is an error"},
    Key{"module", "text", kNone, "`local`, required: Python module"},
    Key{"function", "text", kNone, "`local`: function in that module; none: `name`"},
};

constexpr std::array kAgentKeys = {
    Key{"name", "name", kRequired, "second half of the model id; `[A-Za-z0-9._:@+-]`"},
    Key{"namespace", "name", "default",
        "first half of the model id; `default` is not shown; `defaults` may name another one"},
    Key{"display_name", "text", kNone, "for people; none: the name"},
    Key{"description", "text", kNone, "for people"},
    Key{"metadata", "free map", kNone, "anything, for people and programs that list agents"},
    Key{"kind", "declarative or sdk", "declarative",
        "`declarative` is described here; `sdk` is Python code and loads with status `error`"},
    Key{"upstream", "name, or list of names and upstreams", kNone,
        "who answers, names in `upstreams`; required for `declarative`, here or in `defaults`"},
    Key{"model", "text", kNone,
        "model name on that upstream; required for `declarative`, here or in `defaults`"},
    Key{"instructions", "text", kNone, "the system message; required for `declarative`"},
    Key{"module", "pkg.mod:callable", kNone, "what builds the agent; required for `sdk`"},
    Key{"tools", "list of names and tools", kNone,
        "names of top-level `tools`, or tools written out in place"},
    Key{"policies", "map", kNone, "bounds of one run"},
};

constexpr std::array kAgentUpstreamKeys = {
    Key{"name", "name", kRequired, "a name in `upstreams`"},
    Key{"model", "text", kNone, "the model's name on that upstream; none: the agent's `model`"},
};

constexpr std::array kPoliciesKeys = {
    Key{"max_tool_hops", "integer 1..1000", "8",
        "LLM calls that may ask for tools before the run ends with `length`"},
    Key{"max_run", "duration 1ms..24h", "5m", "longest time of one run"},
    Key{"max_parallel_tools", "integer 1..256", "8", "tool calls of one turn that run together"},
    Key{"max_tool_result_bytes", "size 1..16m", "64k", "longer tool results are cut with a mark"},
};

}  // namespace

const Section kTopSection{"", kTopKeys};
const Section kServerSection{"server", kServerKeys};
const Section kLogSection{"log", kLogKeys};
const Section kDefaultsSection{"defaults", kDefaultsKeys};
const Section kUpstreamSection{"upstreams.<name>", kUpstreamKeys};
const Section kMcpServerSection{"mcp_servers.<name>", kMcpServerKeys};
const Section kToolSection{"tools[]", kToolKeys};
const Section kAgentSection{"agents[]", kAgentKeys};
const Section kAgentUpstreamSection{"agents[].upstream[]", kAgentUpstreamKeys};
const Section kPoliciesSection{"agents[].policies", kPoliciesKeys};

namespace {

using Names = std::string_view;

constexpr std::array<Names, 1> kUrl = {"url"};
constexpr std::array<Names, 1> kCommand = {"command"};
constexpr std::array<Names, 1> kMcpServer = {"mcp_server"};
constexpr std::array<Names, 1> kModule = {"module"};
constexpr std::array<Names, 1> kInstructions = {"instructions"};
constexpr std::array<Names, 3> kOnlyStdio = {"command", "args", "env"};
constexpr std::array<Names, 2> kOnlyUrl = {"url", "headers"};
constexpr std::array<Names, 6> kNotMcp = {"url",    "method",  "headers", "max_response_bytes",
                                          "module", "function"};
constexpr std::array<Names, 4> kNotHttp = {"mcp_server", "mcp_method", "module", "function"};
constexpr std::array<Names, 6> kNotLocal = {"mcp_server", "mcp_method", "url",
                                            "method",     "headers",    "max_response_bytes"};

constexpr std::array kChoices = {
    Choice{&kMcpServerSection, "transport", "http", kUrl, kOnlyStdio},
    Choice{&kMcpServerSection, "transport", "sse", kUrl, kOnlyStdio},
    Choice{&kMcpServerSection, "transport", "stdio", kCommand, kOnlyUrl},
    Choice{&kToolSection, "provider", "mcp", kMcpServer, kNotMcp},
    Choice{&kToolSection, "provider", "http", kUrl, kNotHttp},
    Choice{&kToolSection, "provider", "local", kModule, kNotLocal},
    Choice{&kAgentSection, "kind", "declarative", kInstructions, kModule},
    Choice{&kAgentSection, "kind", "sdk", kModule, {}},
};

}  // namespace

std::span<const Choice> allChoices() { return kChoices; }

std::span<const std::string_view> refusedKeys(const Section& section, std::string_view value) {
  for (const Choice& choice : kChoices) {
    if (choice.section == &section && choice.value == value) return choice.refused;
  }
  return {};
}

const Key* Section::find(std::string_view name) const {
  const auto found =
      std::find_if(keys.begin(), keys.end(), [name](const Key& key) { return key.name == name; });
  return found == keys.end() ? nullptr : &*found;
}

std::vector<std::string_view> Section::names() const {
  std::vector<std::string_view> all;
  for (const Key& key : keys) all.push_back(key.name);
  return all;
}

std::span<const Section* const> allSections() {
  static constexpr std::array<const Section*, 10> kAll = {
      &kTopSection,           &kServerSection,    &kLogSection,  &kDefaultsSection,
      &kUpstreamSection,      &kMcpServerSection, &kToolSection, &kAgentSection,
      &kAgentUpstreamSection, &kPoliciesSection};
  return kAll;
}

std::string markdownTable(const Section& section) {
  std::string out = "| Key | Type | Default | Meaning |\n|---|---|---|---|\n";
  for (const Key& key : section.keys) {
    const bool word = key.default_value == kRequired || key.default_value == kNone;
    out += "| `" + std::string(key.name) + "` | " + std::string(key.type) + " | ";
    out += word ? std::string(key.default_value) : "`" + std::string(key.default_value) + "`";
    out += " | " + std::string(key.meaning) + " |\n";
  }
  return out;
}

}  // namespace agw::config
