#include "tool/http_tool.h"

#include <algorithm>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>
#include <map>
#include <utility>

#include "tool/tool_failure.h"

namespace agw::tool {
namespace {

namespace urls = boost::urls;

constexpr std::size_t kMaxTarget = 16 * 1024;    // bytes of a path with its query
constexpr std::size_t kMaxErrorBody = 2 * 1024;  // bytes of a refusal that the model sees

const char* whatHappened(ErrorCode code) {
  switch (code) {
    case ErrorCode::UpstreamUnreachable:
      return "The tool cannot be reached.";
    case ErrorCode::UpstreamTimeout:
      return "The tool did not answer in time.";
    case ErrorCode::UpstreamStreamTruncated:
      return "The tool broke off its answer.";
    default:
      return "The tool gave an answer that cannot be used.";
  }
}

void appendEncoded(std::string& out, std::string_view text) {
  out += urls::encode(urls::string_view(text.data(), text.size()), urls::unreserved_chars);
}

std::string queryValue(const Json& value, std::string_view written) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_structured()) return dumpJson(value);
  return std::string(written);  // a number keeps its digits
}

struct Head {
  std::string text;
  bool cut = false;
};

// The first `limit` bytes of a body, without the character that the limit cuts.
net::awaitable<Result<Head>> readHead(io::HttpResponse& response, std::size_t limit) {
  Head head;
  for (;;) {
    const auto piece = co_await response.read();
    if (!piece) co_return piece.error();
    if (piece->empty()) co_return head;
    const std::size_t room = limit - head.text.size();
    head.text += piece->substr(0, room);
    if (piece->size() <= room) continue;
    std::size_t end = head.text.size();
    if ((static_cast<unsigned char>((*piece)[room]) & 0xC0) == 0x80) {
      while (end > 0 && (static_cast<unsigned char>(head.text[end - 1]) & 0xC0) == 0x80) --end;
      if (end > 0) --end;
    }
    head.text.resize(end);
    head.cut = true;
    co_return head;
  }
}

}  // namespace

std::string withQuery(std::string target, const Json& arguments, std::string_view arguments_json) {
  char separator = target.find('?') == std::string::npos ? '?' : '&';
  if (target.back() == '?' || target.back() == '&') separator = '\0';
  std::map<std::string, std::string_view> written;  // of a name that stands twice, the last
  for (RawMember& member : splitObject(arguments_json)) written[member.key] = member.value;
  for (const auto& [name, value] : arguments.items()) {
    if (separator != '\0') target += separator;
    separator = '&';
    appendEncoded(target, name);
    target += '=';
    appendEncoded(target, queryValue(value, written[name]));
  }
  return target;
}

HttpTool::HttpTool(config::ToolSettings settings, io::HttpClient& client, telemetry::Log& log)
    : settings_(std::move(settings)), client_(client), log_(log) {}

net::awaitable<ToolSpec> HttpTool::describe(Deadline) {
  ToolSpec spec{settings_.name, settings_.description, settings_.parameters_json};
  if (spec.parameters_json.empty()) spec.parameters_json = kOpenSchema;
  co_return spec;
}

net::awaitable<ToolResult> HttpTool::call(ToolCall call) {
  if (call.arguments_json.empty()) call.arguments_json = "{}";
  const auto arguments = parseJson(call.arguments_json);
  if (!arguments || !arguments->is_object()) {
    co_return ToolResult{"The arguments of a tool must be a JSON object.", true, false};
  }
  io::HttpRequest request = makeRequest(call, *arguments);
  if (request.url.target.size() > kMaxTarget) {
    co_return ToolResult{"The arguments are too long for this tool.", true, false};
  }
  const Deadline deadline = earlier(call.deadline, Deadline::in(settings_.timeout));
  auto sent = co_await client_.send(std::move(request), io::timeoutsUntil(deadline));
  if (!sent) co_return failed(call.request_id, sent.error(), !sent.error().retryable);
  co_return co_await readResult(std::move(*sent), std::move(call.request_id));
}

io::HttpRequest HttpTool::makeRequest(const ToolCall& call, const Json& arguments) const {
  io::HttpRequest request;
  request.method = settings_.method;
  request.url = settings_.url;
  for (const config::HeaderSetting& header : settings_.headers) {
    request.headers.push_back({header.name, header.value});
  }
  if (!call.request_id.empty()) request.headers.push_back({"x-request-id", call.request_id});
  if (!call.traceparent.empty()) request.headers.push_back({"traceparent", call.traceparent});
  if (settings_.method == "GET") {
    request.url.target = withQuery(std::move(request.url.target), arguments, call.arguments_json);
    return request;
  }
  if (io::findHeader(request.headers, "content-type").empty()) {
    request.headers.push_back({"content-type", "application/json"});
  }
  request.body = call.arguments_json;
  return request;
}

net::awaitable<ToolResult> HttpTool::readResult(std::unique_ptr<io::HttpResponse> response,
                                                std::string request_id) {
  const int status = response->status();
  const bool success = status >= 200 && status < 300;
  const auto head =
      co_await readHead(*response, success ? settings_.max_response_bytes : kMaxErrorBody);
  if (!success) {
    std::string text = "The tool answered with HTTP status " + std::to_string(status);
    if (head && !head->text.empty()) text += ": " + head->text + (head->cut ? "…" : "");
    co_return ToolResult{std::move(text), true, true};
  }
  if (!head) co_return failed(request_id, head.error(), true);
  if (head->cut) {
    Error error = toolError("The tool's answer is larger than " +
                            std::to_string(settings_.max_response_bytes) + " bytes.");
    error.detail = error.message;
    logToolFailure(log_, settings_.name, request_id, error);
    co_return ToolResult{std::move(error.message), true, true};
  }
  co_return ToolResult{head->text, false, true};
}

ToolResult HttpTool::failed(const std::string& request_id, const Error& error, bool started) const {
  Error logged = error;
  logged.retryable = !started;
  if (logged.detail.empty()) logged.detail = error.message;
  logToolFailure(log_, settings_.name, request_id, logged);
  return ToolResult{whatHappened(error.code), true, started};
}

}  // namespace agw::tool
