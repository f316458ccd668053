// The configuration as plain values, checked and with every default filled in. Immutable once
// loaded. `hidden` names the keys of a part whose values came from the environment or from a file
// of secrets: they are printed nowhere.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/deadline.h"
#include "base/url.h"

namespace agw::config {

struct HeaderSetting {
  std::string name;
  std::string value;  // may hold a secret: never logged

  bool operator==(const HeaderSetting&) const = default;
};

// How a call that failed before its answer began is made again.
struct RetrySettings {
  unsigned retries = 2;       // of one upstream, within one call
  Millis backoff{250};        // the first wait is up to this, each further one up to twice as long
  Millis backoff_max{10000};  // longer ones are not waited, nor is a longer Retry-After

  bool operator==(const RetrySettings&) const = default;
};

// When an upstream that fails is left alone, and for how long.
struct BreakerSettings {
  unsigned failures = 5;          // in a row; 0: no breaker
  unsigned failure_percent = 50;  // of the calls that ended within the window
  Millis window{30000};
  Millis open_time{5000};  // doubles each time that the probe fails
  Millis open_time_max{60000};

  bool operator==(const BreakerSettings&) const = default;
};

// What of OpenAI's protocol an upstream takes; what it does not is rewritten or left out.
struct DialectSettings {
  bool developer_role = true;
  bool stream_usage = true;  // stream_options
  bool parallel_tool_calls = true;
  bool max_completion_tokens = true;
  std::vector<std::string> drop_fields;  // "user", "messages.refusal"; lists are gone into

  bool operator==(const DialectSettings&) const = default;
};

struct UpstreamSettings {
  std::string name;
  std::string provider = "openai-compatible";  // for people
  Url base_url;                                // e.g. http://localhost:1234/v1
  std::string api_key;                         // empty: no Authorization header
  std::vector<HeaderSetting> headers;
  std::vector<std::string> models;  // plain models served as "<name>/<model>"
  Millis connect_timeout{5000};
  Millis first_byte_timeout{120000};
  Millis idle_timeout{120000};
  Millis timeout{0};            // of one request with its whole answer; 0: none
  unsigned priority = 0;        // among an agent's upstreams: lower first
  unsigned weight = 1;          // among those of one priority
  unsigned max_concurrent = 0;  // requests at a time; 0: any number
  unsigned max_queue = 100;     // that wait for one of those to end
  Millis queue_timeout{10000};  // longest such wait
  RetrySettings retry;
  BreakerSettings breaker;
  DialectSettings dialect;
  std::string ca_file;                  // empty: the system's trust store
  std::string ca_pem;                   // what it holds
  bool discover = false;                // plain models are those that it lists itself, besides
  std::string health_path = "/models";  // below base_url
  bool health_allow_404 = false;        // a server that does not know the path is well, too
  Millis health_timeout{5000};
  Millis health_interval{30000};  // from one check to the next
  std::set<std::string> hidden;

  bool operator==(const UpstreamSettings&) const = default;
};

enum class McpTransport { Http, Stdio, Sse };

struct McpServerSettings {
  std::string name;
  McpTransport transport = McpTransport::Http;  // http is streamable HTTP
  Url url;                                      // http and sse
  std::vector<HeaderSetting> headers;
  std::string command;  // stdio: the program to start
  std::vector<std::string> args;
  std::vector<HeaderSetting> env;  // its environment variables
  Millis timeout{30000};           // of one call
  std::string error;  // not empty: listed with status error, e.g. a transport that is not built yet
  std::set<std::string> hidden;

  bool operator==(const McpServerSettings&) const = default;
};

enum class ToolProvider { Http, Mcp, Local };

struct ToolSettings {
  std::string name;         // [A-Za-z0-9_-]{1,64}, as the model sees it
  std::string description;  // empty for MCP: the server's
  ToolProvider provider = ToolProvider::Http;
  std::string parameters_json;  // JSON Schema; empty for MCP: the server's inputSchema
  // http
  std::string method = "POST";  // GET puts the arguments in the query
  Url url;
  std::vector<HeaderSetting> headers;
  std::size_t max_response_bytes = 1024 * 1024;
  // mcp
  std::string mcp_server;
  std::string mcp_method;  // the tool's name on that server
  // local
  std::string module;    // Python module
  std::string function;  // in that module
  Millis timeout{30000};
  std::string error;  // not empty: cannot be built (yet)
  std::set<std::string> hidden;

  bool operator==(const ToolSettings&) const = default;
};

struct AgentPolicies {
  unsigned max_tool_hops = 8;  // LLM calls that may ask for tools before the run ends with "length"
  Millis max_run{300000};
  unsigned max_parallel_tools = 8;
  std::size_t max_tool_result_bytes = 64 * 1024;  // longer results are cut with a visible mark
  std::set<std::string> hidden;

  bool operator==(const AgentPolicies&) const = default;
};

// What agents take that do not write it themselves.
struct AgentDefaults {
  std::string name_space = "default";
  std::string upstream;
  std::string model;
  AgentPolicies policies;
  std::set<std::string> hidden;

  bool operator==(const AgentDefaults&) const = default;
};

enum class AgentKind { Declarative, Sdk };

struct AgentUpstream {
  std::string name;
  std::string model;  // as that upstream knows it

  bool operator==(const AgentUpstream&) const = default;
};

struct AgentSettings {
  std::string id;  // canonical "namespace/name"
  std::string display_name;
  std::string description;
  std::string metadata_json;  // an object, for people and programs; empty: none is written
  AgentKind kind = AgentKind::Declarative;
  std::vector<AgentUpstream> upstreams;  // that may answer; each pair once
  std::string model;                     // of those that name no other
  std::string instructions;
  std::string module;              // kind sdk
  std::vector<std::string> tools;  // names in Settings::tools
  AgentPolicies policies;
  std::string error;  // not empty: listed with status error, requests get agent_unavailable
  std::set<std::string> hidden;

  bool operator==(const AgentSettings&) const = default;
};

struct AliasSettings {
  std::string target;  // canonical id of an agent or a plain model, never of an alias
  bool hidden = false;

  bool operator==(const AliasSettings&) const = default;
};

struct ServerSettings {
  std::string listen = "unix:/run/agent-gateway/executor.sock";
  unsigned threads = 0;  // 0: one a core
  std::string edge_secret_file = "/etc/agent-gateway/edge_secret";
  Millis drain_timeout{30000};
  Millis keep_alive_interval{15000};  // of ": keep-alive" comments
  bool watch = true;                  // changes of the files are taken into use by themselves
  Millis watch_delay{300};            // without a further change, before one is
  unsigned max_open_requests = 8000;
  std::size_t max_request_memory = 512u << 20;  // bytes, of the bodies of all requests
  std::string metrics_listen;                   // empty: no metrics
  std::set<std::string> hidden;

  bool operator==(const ServerSettings&) const = default;
};

struct LogSettings {
  std::string file;  // empty: stderr
  std::string level = "info";
  std::set<std::string> hidden;

  bool operator==(const LogSettings&) const = default;
};

struct Settings {
  ServerSettings server;
  LogSettings log;
  AgentDefaults defaults;
  std::map<std::string, UpstreamSettings> upstreams;
  std::map<std::string, McpServerSettings> mcp_servers;
  std::map<std::string, ToolSettings> tools;     // an agent's inline tool is "<agent id>#<name>"
  std::vector<AgentSettings> agents;             // in file order, included files behind
  std::map<std::string, AliasSettings> aliases;  // by canonical id

  bool operator==(const Settings&) const = default;
};

}  // namespace agw::config
