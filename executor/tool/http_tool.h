// A tool behind one HTTP endpoint. GET puts the arguments into the query, other methods send them
// as JSON. Redirects are not followed: they are answers that are no success.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json_reader.h"
#include "config/settings.h"
#include "io/http_client.h"
#include "telemetry/log.h"
#include "tool/tool.h"

namespace agw::tool {

class HttpTool final : public Tool {
 public:
  // The client and the log outlive the tool and its calls.
  HttpTool(config::ToolSettings settings, io::HttpClient& client, telemetry::Log& log);

  const std::string& name() const override { return settings_.name; }
  std::string_view provider() const override { return "http"; }
  net::awaitable<ToolSpec> describe(Deadline deadline) override;
  net::awaitable<ToolResult> call(ToolCall call) override;

 private:
  io::HttpRequest makeRequest(const ToolCall& call, const Json& arguments) const;
  net::awaitable<ToolResult> readResult(std::unique_ptr<io::HttpResponse> response,
                                        std::string request_id);
  ToolResult failed(const std::string& request_id, const Error& error, bool started) const;

  config::ToolSettings settings_;
  io::HttpClient& client_;
  telemetry::Log& log_;
};

// `target` with the members of `arguments` added to its query: strings as they are, other values as
// compact JSON, both percent-encoded. `arguments_json` is the text that `arguments` was parsed
// from.
std::string withQuery(std::string target, const Json& arguments, std::string_view arguments_json);

}  // namespace agw::tool
