// The body of an answer cut into the texts of its events: server-sent events, or JSON, whatever the
// content type says. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "protocol/sse.h"

namespace agw::protocol {

struct AnswerEvent {
  enum class Kind {
    Data,   // text that should be JSON
    Error,  // the same, of an event that says that it is an error
    Done,   // the upstream's own mark that the answer is whole
    Cut,    // text that no line end came after before the body ended
  };
  Kind kind = Kind::Data;
  std::string_view text;  // valid until the next call of feed() or next()
};

class AnswerBody {
 public:
  static constexpr std::size_t kMaxJson = 32 << 20;

  AnswerBody(std::string_view content_type, std::string_view content_encoding);

  void feed(std::string_view bytes);
  void end();
  // The next event; nothing: there is more to feed, or isOver().
  Result<std::optional<AnswerEvent>> next();
  // The body has ended and all its events are given.
  bool isOver() const { return over_; }
  // It is JSON, which is whole or nothing; unlike the one of a stream, its end needs no mark.
  bool isJson() const { return form_ == Form::Json; }
  // No event came because it is something else: a page, an empty body.
  bool isForeign() const;

 private:
  enum class Form { Unknown, Events, Json, Refused };

  void recognise();
  void refuse(std::string detail);
  Result<std::optional<AnswerEvent>> nextEvent();
  Result<std::optional<AnswerEvent>> takeJson();

  bool says_events_ = false;  // the content type
  Form form_ = Form::Unknown;
  std::string start_;  // until the form is known; then the JSON
  std::string given_;
  SseParser events_;
  bool ended_ = false;
  bool over_ = false;
  bool gave_event_ = false;
  std::optional<Error> error_;
};

}  // namespace agw::protocol
