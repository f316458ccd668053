#include "api/request_log.h"

#include <chrono>

namespace agw::api {
namespace {

constexpr int kClientClosedRequest = 499;

double seconds(Clock::duration span) { return std::chrono::duration<double>(span).count(); }

}  // namespace

RequestLogLine::~RequestLogLine() {
  const int status = completed_ ? response_.status() : kClientClosedRequest;
  const RequestRecord& record = context_.record;
  const auto span = Clock::now() - begin_;
  if (!record.is_probe) metrics_.addRequest(record.stream, status, seconds(span));
  const Usage usage = record.usage.value_or(Usage{});
  const Error error = record.error.value_or(Error{});
  const auto level =
      status >= 500 || !error.detail.empty() ? telemetry::Level::Warn : telemetry::Level::Info;
  log_.write(level, "request",
             {{"request_id", context_.request_id},
              {"run_id", context_.run_id},
              {"method", context_.request.method},
              {"path", context_.path},
              {"status", status},
              {"duration_ms", seconds(span) * 1000},
              {"client_ip", context_.request.header("x-forwarded-for")},
              {"user_agent", context_.request.header("user-agent")},
              {"key_id", context_.identity.key_id},
              {"agent", record.agent},
              {"model", record.model},
              {"stream", record.stream},
              {"upstream", record.upstream},
              {"prompt_tokens", usage.prompt_tokens},
              {"completion_tokens", usage.completion_tokens},
              {"llm_calls", record.llm_calls},
              {"tool_calls", record.tool_calls},
              {"error_code", record.error ? errorEntry(error.code).name : std::string_view()},
              {"error_detail", error.detail}});
}

}  // namespace agw::api
