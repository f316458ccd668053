// What an MCP server answers, method by method, for a FakeHttpClient.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "tests/unit/mcp/fake_http_client.h"

namespace agw::test {

class FakeMcpServer {
 public:
  using Answer = std::function<Canned(const io::HttpRequest& request, const std::string& id)>;

  // Answers initialize and notifications; other methods come from `answers`.
  explicit FakeMcpServer(FakeHttpClient& client) {
    client.handler = [this](const io::HttpRequest& request) { return answer(request); };
    answers["initialize"] = [this](const io::HttpRequest&, const std::string& id) {
      return json(result(id, R"({"protocolVersion":")" + version +
                                 R"(","capabilities":{"tools":{}},"serverInfo":{"name":"fake"}})"),
                  {{"Mcp-Session-Id", session_id}});
    };
  }

  std::map<std::string, Answer> answers;  // by JSON-RPC method; "GET" and "DELETE" by HTTP method
  std::string version = "2025-11-25";
  std::string session_id = "s-1";
  int notification_status = 202;

  static std::string result(const std::string& id, const std::string& value) {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + value + "}";
  }
  static std::string text(const std::string& id, const std::string& words) {
    return result(id, R"({"content":[{"type":"text","text":")" + words + R"("}]})");
  }
  static std::string error(const std::string& id, int code, const std::string& message) {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":)" + std::to_string(code) +
           R"(,"message":")" + message + R"("}})";
  }
  static std::string event(const std::string& data) {
    return "event: message\ndata: " + data + "\n\n";
  }
  static std::string between(std::string_view body, std::string_view before,
                             std::string_view after) {
    const std::size_t start = body.find(before);
    if (start == std::string::npos) return {};
    const std::size_t from = start + before.size();
    return std::string(body.substr(from, body.find_first_of(after, from) - from));
  }

 private:
  Canned answer(const io::HttpRequest& request) const {
    const std::string method = between(request.body.view(), R"("method":")", "\"");
    const std::string id = between(request.body.view(), R"("id":)", ",}");
    const auto found = answers.find(request.method == "POST" ? method : request.method);
    if (found != answers.end()) return found->second(request, id);
    if (method.empty() || method.starts_with("notifications/")) return plain(notification_status);
    return json(error(id, -32601, "unknown method"));
  }
};

}  // namespace agw::test
