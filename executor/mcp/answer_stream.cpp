#include "mcp/answer_stream.h"

#include <algorithm>
#include <utility>

#include "protocol/json_rpc.h"

namespace agw::mcp {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool isMessage(const protocol::SseEvent& event) {
  return event.type.empty() || event.type == "message";
}

}  // namespace

AnswerStream::AnswerStream(std::unique_ptr<io::HttpResponse> response)
    : response_(std::move(response)), parser_(kMaxAnswerBytes, kMaxAnswerBytes) {}

void AnswerStream::replace(std::unique_ptr<io::HttpResponse> response) {
  response_ = std::move(response);
  parser_ = protocol::SseParser(kMaxAnswerBytes, kMaxAnswerBytes);
  cursor_.restart();
  ended_ = false;
}

net::awaitable<Result<std::optional<std::string>>> AnswerStream::next() {
  for (;;) {
    if (ended_) co_return std::optional<std::string>();
    auto parsed = nextParsed();
    if (!parsed || *parsed) co_return parsed;
    const auto piece = co_await response_->read();
    if (!piece) co_return piece.error();
    bytes_ += piece->size();
    if (bytes_ > kMaxStreamBytes) {
      co_return upstreamError(ErrorCode::UpstreamInvalidResponse, "the event stream is too long");
    }
    if (piece->empty()) {
      ended_ = true;
      co_return lastEvent();
    }
    parser_.feed(*piece);
    cursor_.feed(*piece);
  }
}

Result<std::optional<std::string>> AnswerStream::nextParsed() {
  for (;;) {
    auto event = parser_.next();
    if (!event) return event.error();
    if (!*event) return std::optional<std::string>();
    if (isMessage(**event)) return std::optional(std::move((*event)->data));
  }
}

// An event without its final blank line counts when it is a whole message; otherwise the stream was
// cut in it.
std::optional<std::string> AnswerStream::lastEvent() {
  auto event = parser_.finish();
  if (!event || !*event || !isMessage(**event)) return std::nullopt;
  if (!protocol::parseRpc((*event)->data)) return std::nullopt;
  return std::move((*event)->data);
}

bool isMediaType(std::string_view content_type, std::string_view wanted) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && (content_type.back() == ' ' || content_type.back() == '\t')) {
    content_type.remove_suffix(1);
  }
  return std::equal(content_type.begin(), content_type.end(), wanted.begin(), wanted.end(),
                    [](char a, char b) { return lower(a) == b; });
}

}  // namespace agw::mcp
