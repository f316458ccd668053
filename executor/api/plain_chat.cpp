#include "api/plain_chat.h"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <memory>
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

// One call of the model, read to its end.
class PlainCall {
 public:
  PlainCall(RequestContext& context, upstream::ChatBackend& backend, protocol::ChatRequest& request,
            const agent::ModelEntry& entry)
      : context_(context), backend_(backend), request_(request), entry_(entry) {}

  net::awaitable<Result<void>> answerWhole() {
    if (auto opened = co_await open(); !opened) co_return opened;
    auto whole = co_await answer_->next();
    if (!whole) co_return whole.error();
    if (!*whole) co_return emptyAnswer();
    context_.record.usage = (*whole)->usage;
    std::string body = protocol::rewriteAnswer(newAnswer(request_), **whole);
    // Only a call that is read to its end has succeeded, for its breaker and in the counts.
    auto end = co_await answer_->next();
    if (!end) co_return end.error();
    co_return co_await sendAnswer(context_, std::move(body));
  }

  net::awaitable<Result<void>> answerStream(const ThreadParts& parts) {
    const auto executor = co_await net::this_coro::executor;
    ChatStreamOptions options = streamOptions(context_, request_, parts);
    ChatStream stream(executor, context_.response, std::move(options));
    auto ended = co_await (relay(stream) || stream.keepAlive());
    if (ended.index() == 1) co_return Result<void>();  // the client is gone; the writer knows
    Result<void>& relayed = std::get<0>(ended);
    if (relayed) co_return co_await stream.done(context_.record.usage, std::move(usage_json_));
    if (!stream.started()) co_return relayed;
    context_.record.error = relayed.error();
    co_return co_await stream.fail(relayed.error(), context_.record.usage);
  }

 private:
  net::awaitable<Result<void>> open() {
    upstream::ChatCall call;
    call.stream = request_.stream;
    // Who offers tools reads no "function_call", be it an old server's only word for one.
    call.tools_only = !request_.tools.empty();
    call.body = protocol::takePlainBody(request_, entry_.upstream_model);  // and with it the tools
    call.request_id = context_.request_id;
    call.traceparent = context_.traceparent;
    call.deadline = context_.deadline;
    auto answer = co_await backend_.open(std::move(call));
    if (!answer) co_return answer.error();
    answer_ = std::move(*answer);
    context_.request.memory.release();  // its text is gone, too
    context_.record.llm_calls = 1;
    co_return Result<void>();
  }

  net::awaitable<Result<void>> relay(ChatStream& stream) {
    if (auto opened = co_await open(); !opened) co_return opened;
    for (;;) {
      auto chunk = co_await answer_->next();
      if (!chunk) co_return chunk.error();
      if (!*chunk) co_return Result<void>();
      if ((*chunk)->usage) {
        context_.record.usage = (*chunk)->usage;
        usage_json_ = (*chunk)->usage_json;
      }
      std::string json = protocol::rewriteChunk(stream.who(), **chunk);
      if (json.empty()) continue;
      if (auto sent = co_await stream.event(std::move(json)); !sent) co_return sent;
    }
  }

  RequestContext& context_;
  upstream::ChatBackend& backend_;
  protocol::ChatRequest& request_;
  const agent::ModelEntry& entry_;
  std::unique_ptr<upstream::ChatAnswer> answer_;
  std::string usage_json_;  // of a stream
};

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
  PlainCall call(context, *backend, request, entry);
  if (request.stream) co_return co_await call.answerStream(parts);
  co_return co_await call.answerWhole();
}

}  // namespace agw::api
