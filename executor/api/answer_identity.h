// The fixed fields and headers of one chat completion.
#pragma once

#include <ctime>
#include <optional>
#include <string>

#include "api/chat_stream.h"
#include "api/request_context.h"
#include "api/snapshot.h"
#include "base/id.h"
#include "protocol/openai_answer.h"
#include "protocol/openai_chat.h"

namespace agw::api {

inline protocol::AnswerIdentity newAnswer(const protocol::ChatRequest& request) {
  return {randomId("chatcmpl-"), static_cast<std::int64_t>(std::time(nullptr)), request.model};
}

inline io::HttpHeaders answerHeaders(const RequestContext& context) {
  io::HttpHeaders headers = context.baseHeaders();
  headers.push_back({std::string(header::kRunId), context.run_id});
  return headers;
}

inline ChatStreamOptions streamOptions(const RequestContext& context,
                                       const protocol::ChatRequest& request,
                                       const ThreadParts& parts) {
  return {newAnswer(request), request.include_usage,
          parts.configuration->settings->server.keep_alive_interval, answerHeaders(context)};
}

// Of an answer that is not streamed.
inline io::HttpHeaders jsonAnswerHeaders(const RequestContext& context,
                                         const std::optional<Usage>& usage) {
  io::HttpHeaders headers = answerHeaders(context);
  headers.push_back({"Content-Type", "application/json"});
  if (usage) headers.push_back({std::string(header::kUsage), formatUsage(*usage)});
  return headers;
}

}  // namespace agw::api
