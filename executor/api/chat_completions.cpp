#include "api/chat_completions.h"

#include <memory>
#include <utility>

#include "api/agent_chat.h"
#include "api/plain_chat.h"
#include "protocol/openai_chat.h"
#include "shared/model_id.h"

namespace agw::api {
namespace {

bool isJson(std::string_view content_type) {
  const std::string_view media = content_type.substr(0, content_type.find(';'));
  return media.empty() || media.starts_with("application/json") || media.ends_with("+json");
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
