// A session against a scripted server, with short times.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "mcp/http_session.h"
#include "support/memory_log.h"
#include "tests/unit/mcp/fake_http_client.h"
#include "tests/unit/mcp/fake_mcp_server.h"

namespace agw::test {

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() : client(context), server(client) {
    settings.name = "weather";
    settings.url = parseUrl("http://10.0.0.7:9/mcp?k=s3cret").value();
    settings.headers = {{"Authorization", "Bearer t0ken"}, {"Mcp-Session-Id", "mine"}};
    settings.timeout = Millis(5000);
    options.first_pause = Millis(20);
    options.longest_pause = Millis(40);
  }

  mcp::Session& session() {
    if (!session_) session_ = mcp::makeHttpSession(context, client, settings, options, log);
    return *session_;
  }
  void dropSession() { session_.reset(); }

  Result<mcp::CallOutcome> call(const std::string& name, const std::string& arguments = "{}",
                                Millis limit = Millis(2000)) {
    mcp::CallOptions call_options;
    call_options.deadline = Deadline::in(limit);
    return runOn(context, session().callTool(name, arguments, call_options));
  }
  Result<mcp::ToolList> list(Millis limit = Millis(2000)) {
    return runOn(context, session().listTools(Deadline::in(limit)));
  }
  // Lets what was started in the background come to its end.
  void settle() {
    context.restart();
    context.run();
  }
  void answerCallsWith(std::function<Canned(const std::string& id)> make) {
    server.answers["tools/call"] = [make](const io::HttpRequest&, const std::string& id) {
      return make(id);
    };
  }
  std::size_t count(const std::string& method) const { return client.bodiesOf(method).size(); }
  bool logged(const std::string& text) const {
    for (const auto& line : log.lines()) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }
  static std::string_view header(const io::HttpRequest& request, std::string_view name) {
    return io::findHeader(request.headers, name);
  }

  net::io_context context;
  FakeHttpClient client;
  FakeMcpServer server;
  MemoryLog log;
  config::McpServerSettings settings;
  mcp::SessionOptions options;

 private:
  std::unique_ptr<mcp::Session> session_;
};

}  // namespace agw::test
