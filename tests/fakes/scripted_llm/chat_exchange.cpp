#include "chat_exchange.h"

#include <algorithm>
#include <charconv>

#include "http_text.h"

namespace scripted_llm {
namespace {

bool reached(const std::optional<std::uint64_t>& limit, std::uint64_t events) {
  return limit && events >= *limit;
}

// True when the script wants the exchange to end here and now.
bool faultIsDue(const Turn& turn, std::uint64_t events) {
  return reached(turn.close_after_events, events) || reached(turn.reset_after_events, events) ||
         reached(turn.hang_after_events, events);
}

net::awaitable<ExchangeStatus> playFault(ChatExchange& exchange) {
  const std::uint64_t events = exchange.record.events;
  if (reached(exchange.turn.reset_after_events, events)) {
    exchange.peer.reset();
    co_return ExchangeStatus::Done;
  }
  if (reached(exchange.turn.close_after_events, events)) {
    exchange.peer.close();
    co_return ExchangeStatus::Done;
  }
  co_await exchange.peer.untilPeerCloses();
  co_return ExchangeStatus::PeerClosed;
}

HeaderBlock headersFor(const ChatExchange& exchange, unsigned status, const char* content_type) {
  HeaderBlock block(status);
  block.add("Content-Type",
            exchange.turn.content_type.empty() ? content_type : exchange.turn.content_type);
  for (const auto& [name, value] : exchange.turn.headers) block.add(name, value);
  if (exchange.close_asked) block.add("Connection", "close");
  return block;
}

net::awaitable<ExchangeStatus> sendBody(ChatExchange& exchange, unsigned status, std::string body) {
  if (faultIsDue(exchange.turn, 0)) co_return co_await playFault(exchange);
  HeaderBlock block = headersFor(exchange, status, "application/json");
  block.add("Content-Length", std::to_string(body.size()));
  const std::string text = block.finish() + body;
  exchange.record.http_status = status;
  const bool sent = co_await exchange.peer.send(text);
  co_return sent ? ExchangeStatus::Done : ExchangeStatus::PeerClosed;
}

// Gives the pieces of a stream: events of the script, or slices of raw bytes.
class PieceSource {
 public:
  explicit PieceSource(const ChatExchange& exchange) : turn_(exchange.turn) {
    if (turn_.raw) return;
    events_.emplace(ReplyInput{exchange.turn, exchange.request, exchange.record.number});
  }

  bool next(std::string& out) {
    if (events_) return events_->next(out);
    if (offset_ >= turn_.raw->size()) return false;
    const std::size_t size = turn_.chunk_bytes > 0 ? turn_.chunk_bytes : turn_.raw->size();
    out.append(*turn_.raw, offset_, size);
    offset_ += size;
    return true;
  }

 private:
  const Turn& turn_;
  std::optional<EventSource> events_;
  std::size_t offset_ = 0;
};

void appendHttpChunk(std::string& out, const std::string& piece) {
  char size[20];
  const auto [end, error] = std::to_chars(size, size + sizeof(size), piece.size(), 16);
  (void)error;  // 20 characters hold any 64-bit number
  out.append(size, end);
  out += "\r\n";
  out += piece;
  out += "\r\n";
}

net::awaitable<bool> sendStreamHeaders(ChatExchange& exchange, bool chunked) {
  const unsigned status = exchange.turn.status.value_or(200);
  exchange.record.http_status = status;
  if (exchange.turn.raw && exchange.turn.raw_http) co_return true;
  HeaderBlock block = headersFor(exchange, status, "text/event-stream");
  block.add("Cache-Control", "no-cache");
  if (chunked) block.add("Transfer-Encoding", "chunked");
  const std::string text = block.finish();
  co_return co_await exchange.peer.send(text);
}

// How many events the next write may hold, so that a fault comes exactly where the script wants it.
std::uint64_t writeSize(const Turn& turn, std::uint64_t events) {
  std::uint64_t size = turn.events_per_write;
  for (const auto& limit :
       {turn.close_after_events, turn.reset_after_events, turn.hang_after_events}) {
    if (limit) size = std::min(size, *limit - events);
  }
  return size;
}

net::awaitable<ExchangeStatus> sendStream(ChatExchange& exchange) {
  const Turn& turn = exchange.turn;
  const bool bare = turn.raw && turn.raw_http;
  const bool chunked = !exchange.http_1_0 && !bare;
  if (!co_await sendStreamHeaders(exchange, chunked)) co_return ExchangeStatus::PeerClosed;
  if (!co_await exchange.peer.pause(turn.header_delay)) co_return ExchangeStatus::PeerClosed;

  PieceSource source(exchange);
  std::string piece;
  std::string bytes;
  for (bool more = true; more;) {
    if (faultIsDue(turn, exchange.record.events)) co_return co_await playFault(exchange);
    if (exchange.record.events > 0 && !co_await exchange.peer.pause(turn.event_delay)) {
      co_return ExchangeStatus::PeerClosed;
    }
    bytes.clear();
    std::uint64_t count = 0;
    for (const std::uint64_t size = writeSize(turn, exchange.record.events); count < size;
         ++count) {
      piece.clear();
      more = source.next(piece);
      if (!more) break;
      chunked ? appendHttpChunk(bytes, piece) : void(bytes += piece);
    }
    if (!more && chunked) bytes += "0\r\n\r\n";
    if (!bytes.empty() && !co_await exchange.peer.send(bytes)) co_return ExchangeStatus::PeerClosed;
    exchange.record.events += count;
  }
  if (!chunked) exchange.peer.close();
  co_return ExchangeStatus::Done;
}

bool answersWithStream(const ChatExchange& exchange) {
  switch (exchange.turn.answer_as) {
    case AnswerAs::Json:
      return false;
    case AnswerAs::Sse:
      return true;
    case AnswerAs::Requested:
      return exchange.request.stream;
  }
  return false;
}

net::awaitable<ExchangeStatus> answer(ChatExchange& exchange) {
  const Turn& turn = exchange.turn;
  if (!co_await exchange.peer.pause(turn.delay)) co_return ExchangeStatus::PeerClosed;
  if (turn.raw) co_return co_await sendStream(exchange);
  if (turn.body) co_return co_await sendBody(exchange, turn.status.value_or(200), *turn.body);
  if (turn.status && *turn.status >= 400) {
    co_return co_await sendBody(exchange, *turn.status,
                                errorBody("scripted error", "server_error", "", "scripted_error"));
  }
  if (answersWithStream(exchange)) co_return co_await sendStream(exchange);
  const ReplyInput input{turn, exchange.request, exchange.record.number};
  auto body = completionJson(input);
  if (!body) {
    co_return co_await sendBody(exchange, 400,
                                errorBody("this script is too long for one body: ask for a stream",
                                          "invalid_request_error", "stream", "script_too_long"));
  }
  co_return co_await sendBody(exchange, turn.status.value_or(200), std::move(*body));
}

}  // namespace

net::awaitable<ExchangeStatus> play(ChatExchange& exchange) {
  exchange.peer.watch();
  const ExchangeStatus status = co_await answer(exchange);
  if (exchange.peer.open()) exchange.peer.unwatch();
  if (exchange.turn.close || exchange.close_asked || status == ExchangeStatus::PeerClosed) {
    if (exchange.peer.open()) exchange.peer.close();
  }
  co_return status;
}

}  // namespace scripted_llm
