#include "api/chat_completions.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "api/agent_chat.h"
#include "api/plain_chat.h"
#include "protocol/openai_chat.h"
#include "shared/model_id.h"

namespace agw::api {
namespace {

// Names of media types have no case; what stands after them (a charset) is left to the body, which
// has to be UTF-8. Without a type the body is JSON, as nothing else is taken here.
bool isJson(std::string_view content_type) {
  std::string media(content_type.substr(0, content_type.find(';')));
  media.resize(media.find_last_not_of(" \t") + 1);
  std::transform(media.begin(), media.end(), media.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return media.empty() || media == "application/json" || media.ends_with("+json");
}

Result<std::unique_ptr<protocol::ChatRequest>> readRequest(RequestContext& context) {
  if (!isJson(context.request.header("content-type"))) {
    return clientError(ErrorCode::UnsupportedMediaType,
                       "Send the body as \"Content-Type: application/json\".");
  }
  auto request = protocol::parseChatRequest(std::move(context.request.body));
  if (!request) return request.error();
  // The edge decided on the model that it saw. Where the two readings differ, nobody has decided on
  // ours.
  if ((*request)->model_id.view() != context.request.header(header::kModel)) {
    return clientError(ErrorCode::ModelMismatch,
                       "The request body's \"model\" is not the one that was checked.", "model");
  }
  return request;
}

Result<const agent::ModelEntry*> findModel(const RequestContext& context,
                                           const protocol::ChatRequest& request,
                                           const agent::ModelDirectory& directory) {
  const std::string_view id = request.model_id.view();
  if (!context.identity.mayUse(id)) {
    return clientError(ErrorCode::AgentNotAllowed,
                       "This key may not use the model \"" + request.model + "\".", "model");
  }
  const agent::ModelEntry* entry = directory.find(id);
  if (entry == nullptr) {
    return clientError(ErrorCode::ModelNotFound,
                       "The model \"" + request.model + "\" does not exist.", "model");
  }
  return entry;
}

}  // namespace

net::awaitable<Result<void>> chatCompletions(RequestContext& context, const ThreadParts& parts) {
  auto request = readRequest(context);
  if (!request) co_return request.error();
  context.record.model = std::string((*request)->model_id.view());
  context.record.stream = (*request)->stream;
  const auto found = findModel(context, **request, parts.configuration->directory);
  if (!found) co_return found.error();
  const agent::ModelEntry& entry = **found;
  context.record.upstream = entry.upstream;
  if (entry.agent == nullptr) co_return co_await plainChat(context, parts, **request, entry);
  context.record.agent = entry.id;
  context.record.module_path = entry.agent->module;
  co_return co_await agentChat(context, parts, **request, *entry.agent);
}

}  // namespace agw::api
