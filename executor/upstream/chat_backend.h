// Where the run loop gets its answers from. A backend lives on one io_context.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"
#include "base/shared_text.h"
#include "protocol/openai_stream.h"

namespace agw::upstream {

namespace net = boost::asio;

struct ChatCall {
  SharedText body;  // a chat completion request, ready to send
  bool stream = false;
  bool tools_only = false;  // a legacy call in the answer becomes a tool call (protocol::CallForm)
  std::string request_id;
  std::string traceparent;  // may be empty
  Deadline deadline;        // of the whole call
};

// One answer of an upstream. Destroying it before its end closes the connection to the upstream at
// once.
class ChatAnswer {
 public:
  virtual ~ChatAnswer() = default;
  // The next chunk, clean (protocol::AnswerShield); nothing after the proper end. Where no stream
  // was asked for there is one, the whole answer. The chunk's views are valid until the next call.
  // An answer that stops before its end is an error, UpstreamStreamTruncated unless more is known.
  virtual net::awaitable<Result<std::optional<protocol::ChatChunk>>> next() = 0;
  // The name of the upstream that answers; empty: not known.
  virtual std::string_view upstream() const { return {}; }
};

class ChatBackend {
 public:
  virtual ~ChatBackend() = default;
  // Returns when an upstream has begun to answer: its first chunk, or the whole answer where no
  // stream was asked for, is there. Until then it may choose among upstreams and ask more than
  // once; an error is that of the last attempt that says something.
  virtual net::awaitable<Result<std::unique_ptr<ChatAnswer>>> open(ChatCall call) = 0;
};

}  // namespace agw::upstream
