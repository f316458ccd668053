#include <algorithm>
#include <array>
#include <set>

#include "config/ca_certificates.h"
#include "config/file_reader.h"
#include "config/readers.h"
#include "config/values.h"
#include "shared/model_id.h"

namespace agw::config {
namespace {

using namespace std::chrono_literals;

// What a bearer token may be made of: visible ASCII.
bool isToken(std::string_view key) {
  return std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

// A key put here by mistake would otherwise be repeated as if it were a variable's name.
std::string variableName(const std::string& name) {
  const bool looks_like_one =
      name.size() <= 64 &&
      std::none_of(name.begin(), name.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return looks_like_one ? "the environment variable " + name
                        : std::string("the environment variable named here");
}

void readApiKey(MapReader& reader, UpstreamSettings& upstream) {
  const int ways = static_cast<int>(reader.has("api_key")) +
                   static_cast<int>(reader.has("api_key_env")) +
                   static_cast<int>(reader.has("api_key_file"));
  if (ways > 1) {
    reader.fault(reader.has("api_key_env") ? "api_key_env" : "api_key_file",
                 "write only one of api_key, api_key_env and api_key_file");
    return;
  }
  std::string source = "api_key";
  reader.text("api_key", upstream.api_key);

  std::string name;
  reader.text("api_key_env", name);
  if (!name.empty()) {
    source = "api_key_env";
    if (!isVariableName(name)) {
      reader.fault(source, "not the name of an environment variable; write e.g. OPENAI_API_KEY");
      return;
    }
    const auto value = reader.context().environment(name);
    if (!value || value->empty()) {
      reader.fault(source, variableName(name) + (value ? " is empty" : " is not set"));
      return;
    }
    upstream.api_key = *value;
  }

  std::string file;
  reader.path("api_key_file", file);
  if (!file.empty()) {
    source = "api_key_file";
    SecretFile secret = reader.context().files.secret(file);
    if (!secret.error.empty()) {
      reader.fault(source, "the file " + secret.error);
      return;
    }
    upstream.api_key = std::move(secret.secret);
  }
  if (!isToken(upstream.api_key)) {
    reader.fault(source, "the key holds a space or a character that is not visible ASCII");
  }
}

void readModels(MapReader& reader, UpstreamSettings& upstream) {
  reader.textList("models", upstream.models);
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < upstream.models.size(); ++i) {
    const std::string& model = upstream.models[i];
    if (!canonicalModelId(upstream.name + '/' + model)) {
      reader.fault("models", "entry " + std::to_string(i + 1) +
                                 " is no model name; use 1 to 256 of A-Z a-z 0-9 . _ : / @ + -");
    } else if (!seen.insert(model).second) {
      reader.fault("models", "entry " + std::to_string(i + 1) + " stands twice; remove one");
    }
  }
}

void readCa(MapReader& reader, UpstreamSettings& upstream) {
  reader.path("ca_file", upstream.ca_file);
  if (upstream.ca_file.empty()) return;
  FileText file = reader.context().files.text(upstream.ca_file, kMaxCaFile);
  if (file.error.empty()) file.error = checkCaCertificates(file.text);
  if (!file.error.empty()) {
    reader.fault("ca_file", "the file " + file.error);
    return;
  }
  upstream.ca_pem = std::move(file.text);
}

// Goes onto a request line as it stands.
bool isRequestPath(std::string_view path) {
  return path.starts_with('/') && std::all_of(path.begin(), path.end(), [](char c) {
           return c > 0x20 && c < 0x7F && c != '#' && c != '?';
         });
}

void readHealth(MapReader& reader, UpstreamSettings& upstream) {
  reader.flag("discover", upstream.discover);
  reader.text("health_path", upstream.health_path);
  if (!isRequestPath(upstream.health_path)) {
    reader.fault("health_path", "not a path of a URL; write e.g. /models");
  }
  reader.flag("health_allow_404", upstream.health_allow_404);
  reader.duration("health_timeout", upstream.health_timeout, 1ms, 10min);
  reader.duration("health_interval", upstream.health_interval, 100ms, 24h);
}

// Among an agent's upstreams, and how many calls it takes.
void readShare(MapReader& reader, UpstreamSettings& upstream) {
  reader.integer("priority", upstream.priority, 0, 1000);
  reader.integer("weight", upstream.weight, 1, 1000);
  reader.integer("max_concurrent", upstream.max_concurrent, 0, 100000);
  reader.integer("max_queue", upstream.max_queue, 0, 100000);
  reader.duration("queue_timeout", upstream.queue_timeout, 1ms, 1h);
}

void readProtection(MapReader& reader, UpstreamSettings& upstream) {
  RetrySettings& retry = upstream.retry;
  reader.integer("retries", retry.retries, 0, 10);
  reader.duration("retry_backoff", retry.backoff, 1ms, 1min);
  reader.duration("retry_backoff_max", retry.backoff_max, 1ms, 10min);
  if (retry.backoff > retry.backoff_max) {
    reader.fault(reader.has("retry_backoff_max") ? "retry_backoff_max" : "retry_backoff",
                 "retry_backoff is longer than retry_backoff_max; make one of them fit");
  }
  BreakerSettings& breaker = upstream.breaker;
  reader.integer("breaker_failures", breaker.failures, 0, 1000);
  reader.integer("breaker_failure_percent", breaker.failure_percent, 1, 100);
  reader.duration("breaker_window", breaker.window, 1s, 1h);
  reader.duration("breaker_open_time", breaker.open_time, 1ms, 1h);
  reader.duration("breaker_open_time_max", breaker.open_time_max, 1ms, 24h);
  if (breaker.open_time > breaker.open_time_max) {
    reader.fault(
        reader.has("breaker_open_time_max") ? "breaker_open_time_max" : "breaker_open_time",
        "breaker_open_time is longer than breaker_open_time_max; make one of them fit");
  }
}

// What decides where a call goes, what it asks and how its answer is read must stay.
constexpr std::array<std::string_view, 4> kNeededFields = {"model", "messages", "stream", "tools"};

bool isFieldPath(std::string_view path) {
  return !path.empty() && path.front() != '.' && path.back() != '.' &&
         path.find("..") == std::string_view::npos && !hasControl(path);
}

void readDialect(MapReader& reader, DialectSettings& dialect) {
  reader.flag("supports_developer_role", dialect.developer_role);
  reader.flag("supports_stream_usage", dialect.stream_usage);
  reader.flag("supports_parallel_tool_calls", dialect.parallel_tool_calls);
  reader.flag("supports_max_completion_tokens", dialect.max_completion_tokens);
  reader.textList("drop_fields", dialect.drop_fields);
  for (std::size_t i = 0; i < dialect.drop_fields.size(); ++i) {
    const std::string& field = dialect.drop_fields[i];
    const std::string entry = "entry " + std::to_string(i + 1);
    if (!isFieldPath(field)) {
      reader.fault("drop_fields", entry + " is no field; write e.g. user or messages.refusal");
    } else if (std::find(kNeededFields.begin(), kNeededFields.end(), field) !=
               kNeededFields.end()) {
      reader.fault("drop_fields", entry + " is a field that every request needs; remove it");
    }
  }
}

}  // namespace

void readUpstreams(MapReader& top, Settings& settings) {
  const Node* const node = top.map("upstreams");
  if (node == nullptr) return;
  for (const Member& member : node->members) {
    const std::string path = "upstreams." + printable(member.key);
    if (!defineOnce(top.context(), "upstream", member.key, printable(member.key), member.place,
                    path)) {
      continue;
    }
    if (!isNameSpace(member.key)) {
      top.context().problems.add(
          member.place, path, "not a name for an upstream; use 1 to 64 of A-Z a-z 0-9 . _ : @ + -");
    }
    UpstreamSettings upstream;
    upstream.name = member.key;
    MapReader reader(member.value, path, kUpstreamSection, top.context());
    reader.text("provider", upstream.provider);
    if (upstream.provider.empty() || hasControl(upstream.provider)) {
      reader.fault("provider", "not a name for people; write e.g. openai-compatible");
    }
    reader.require("base_url", "", "e.g. base_url: http://localhost:1234/v1");
    reader.url("base_url", upstream.base_url);
    readApiKey(reader, upstream);
    reader.headers("headers", upstream.headers);
    readModels(reader, upstream);
    reader.duration("connect_timeout", upstream.connect_timeout, 1ms, 10min);
    reader.duration("first_byte_timeout", upstream.first_byte_timeout, 1ms, 24h);
    reader.duration("idle_timeout", upstream.idle_timeout, 1ms, 24h);
    reader.duration("timeout", upstream.timeout, 0ms, 24h);
    readShare(reader, upstream);
    readProtection(reader, upstream);
    readDialect(reader, upstream.dialect);
    readCa(reader, upstream);
    readHealth(reader, upstream);
    upstream.hidden = reader.hiddenKeys();
    settings.upstreams.emplace(member.key, std::move(upstream));
  }
}

}  // namespace agw::config
