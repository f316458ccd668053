#include "service.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "http_text.h"

namespace scripted_llm {
namespace {

constexpr std::size_t kMaxRecords = 20000;
constexpr std::size_t kMaxBytes = 512u * 1024 * 1024;

// The number of `name=N` in a query string. A bad number counts as absent and `ok` becomes false.
std::optional<std::uint64_t> queryNumber(std::string_view query, std::string_view name, bool& ok) {
  while (!query.empty()) {
    const auto end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (!part.starts_with(name) || part.size() <= name.size() || part[name.size()] != '=') continue;
    const std::string_view digits = part.substr(name.size() + 1);
    std::uint64_t number = 0;
    const auto [stop, error] = std::from_chars(digits.begin(), digits.end(), number);
    if (error == std::errc() && stop == digits.end()) return number;
    ok = false;
  }
  return std::nullopt;
}

PlainResponse refusal(unsigned status, const std::string& message) {
  return {status, errorBody(message, "invalid_request_error", "", "double_control")};
}

}  // namespace

Service::Service(std::shared_ptr<const Script> script, std::filesystem::path script_folder,
                 std::string expected_key, std::size_t max_logged_body)
    : script_folder_(std::move(script_folder)),
      expected_key_(std::move(expected_key)),
      log_(kMaxRecords, kMaxBytes, max_logged_body),
      script_(std::move(script)) {}

std::shared_ptr<const Script> Service::script() const {
  const std::lock_guard lock(mutex_);
  return script_;
}

std::string Service::judgeAuthorization(const std::string& value) const {
  if (value.empty()) return "absent";
  const auto script = this->script();
  const std::string& key = script->expectedKey().empty() ? expected_key_ : script->expectedKey();
  return !key.empty() && value == "Bearer " + key ? "expected" : "other";
}

bool Service::refuses(const std::string& authorization) const {
  return authorization != "expected" && script()->refusesOtherKeys();
}

std::string Service::modelsJson() const {
  Json data = Json::array();
  for (const std::string& name : script()->names()) {
    data.push_back(
        {{"id", name}, {"object", "model"}, {"created", 1700000000}, {"owned_by", "script"}});
  }
  return Json{{"object", "list"}, {"data", data}}.dump();
}

PlainResponse Service::replaceScript(const std::string& body) {
  try {
    auto script = Script::parse(body, script_folder_);
    const std::lock_guard lock(mutex_);
    script_ = std::move(script);
    return {200, "{\"ok\":true}\n"};
  } catch (const ScriptError& error) {
    return refusal(400, error.what());
  }
}

PlainResponse Service::control(const std::string& method, const std::string& target,
                               const std::string& body) {
  const auto mark = target.find('?');
  const std::string path = target.substr(0, mark);
  const std::string query = mark == std::string::npos ? "" : target.substr(mark + 1);
  if (path == "/_requests" && method == "GET") {
    bool ok = true;
    LogQuery log_query;
    log_query.since = queryNumber(query, "since", ok).value_or(0);
    log_query.max_body = queryNumber(query, "max_body", ok);
    return ok ? PlainResponse{200, log_.toJson(log_query)}
              : refusal(400, "bad number in the query");
  }
  if (path == "/_requests" && method == "DELETE") {
    log_.clear();
    return {200, "{\"ok\":true}\n"};
  }
  if (path == "/_stats" && method == "GET") return {200, log_.statsJson()};
  if (path == "/_script" && method == "PUT") return replaceScript(body);
  return refusal(404, "no such control request");
}

}  // namespace scripted_llm
