#include "api/plain_chat.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <utility>
#include <variant>

#include "api/answer_identity.h"
#include "api/chat_stream.h"

namespace agw::api {
namespace {

using boost::asio::experimental::awaitable_operators::operator||;

Error emptyAnswer() {
  return upstreamError(ErrorCode::UpstreamInvalidResponse, "The upstream's answer was empty.");
}

net::awaitable<Result<void>> sendAnswer(RequestContext& context, std::string body) {
  return context.response.send(200, jsonAnswerHeaders(context, context.record.usage),
                               std::move(body));
}

net::awaitable<Result<void>> answerWhole(RequestContext& context, upstream::ChatAnswer& answer,
                                         const protocol::AnswerIdentity& who) {
  auto whole = co_await answer.next();
  if (!whole) co_return whole.error();
  if (!*whole) co_return emptyAnswer();
  context.record.usage = (*whole)->usage;
  co_return co_await sendAnswer(context, protocol::rewriteAnswer(who, **whole));
}

net::awaitable<Result<void>> relay(RequestContext& context, upstream::ChatAnswer& answer,
                                   ChatStream& stream) {
  for (;;) {
    auto chunk = co_await answer.next();
    if (!chunk) co_return chunk.error();
    if (!*chunk) co_return Result<void>();
    if ((*chunk)->usage) context.record.usage = (*chunk)->usage;
    std::string json = protocol::rewriteChunk(stream.who(), **chunk);
    if (json.empty()) continue;
    if (auto sent = co_await stream.event(std::move(json)); !sent) co_return sent;
  }
}

net::awaitable<Result<void>> answerStream(RequestContext& context, upstream::ChatAnswer& answer,
                                          const protocol::ChatRequest& request,
                                          const ThreadParts& parts) {
  const auto executor = co_await net::this_coro::executor;
  ChatStreamOptions options = streamOptions(context, request, parts);
  ChatStream stream(executor, context.response, std::move(options));
  auto ended = co_await (relay(context, answer, stream) || stream.keepAlive());
  if (ended.index() == 1) co_return Result<void>();  // the client is gone; the writer knows
  Result<void>& relayed = std::get<0>(ended);
  if (relayed) co_return co_await stream.done(context.record.usage);
  if (!stream.started()) co_return relayed;
  context.record.error = relayed.error();
  co_return co_await stream.fail(relayed.error(), context.record.usage);
}

}  // namespace

net::awaitable<Result<void>> plainChat(RequestContext& context, const ThreadParts& parts,
                                       protocol::ChatRequest& request,
                                       const agent::ModelEntry& entry) {
  upstream::ChatBackend* backend = parts.upstreams->find(entry.upstream);
  if (backend == nullptr) {
    co_return gatewayError(ErrorCode::InternalError, "The model cannot be reached.",
                           "no upstream " + entry.upstream);
  }
  context.run_id = randomId("run_");
  upstream::ChatCall call;
  call.body = protocol::plainUpstreamBody(request, entry.upstream_model);
  call.stream = request.stream;
  call.request_id = context.request_id;
  call.traceparent = context.traceparent;
  call.deadline = context.deadline;
  auto answer = co_await backend->open(std::move(call));
  if (!answer) co_return answer.error();
  request.forgetText();
  context.record.llm_calls = 1;
  if (request.stream) co_return co_await answerStream(context, **answer, request, parts);
  const protocol::AnswerIdentity who = newAnswer(request);
  co_return co_await answerWhole(context, **answer, who);
}

}  // namespace agw::api
