// Server-sent events as a client reads them. Pure: bytes in, events out. Source: WHATWG HTML 9.2.6.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace agw::protocol {

struct SseEvent {
  std::string type;  // "" = message
  std::string data;  // data lines joined with LF; never empty
  std::string id;    // the last id of the stream so far, which may be an earlier event's
};

// The same without a copy: views, valid until the next call of feed().
struct SseText {
  std::string_view type;
  std::string_view data;
};

// Sloppy also takes what some model servers write into their streams beside events: lines that are
// JSON objects without a "data:" before them (up to the next blank line they are one event), and
// `error: …`, which is an event of type "error".
enum class SseDialect { Standard, Sloppy };

// LF, CRLF and CR line ends, also cut between reads; one leading BOM; comments and unknown fields
// are ignored. Events whose data is empty are dropped (a browser would fire those with an empty
// "data:" line: there is nothing in them but the id, which lastEventId() gives). Lines over
// max_line and events over max_event are an error, and the only one: it repeats at every later
// call. Memory is bounded by the limits and the size of one feed.
class SseParser {
 public:
  explicit SseParser(std::size_t max_line = 1 << 20, std::size_t max_event = 4 << 20,
                     SseDialect dialect = SseDialect::Standard);

  // Adds bytes. Then call next() until it gives nothing.
  void feed(std::string_view bytes);
  Result<std::optional<SseEvent>> next();
  // The stream ended: an unterminated last event, for servers that leave out the final blank line.
  // Call it until it gives nothing.
  Result<std::optional<SseEvent>> finish();
  // The same two for who needs no id and takes each event before the next.
  Result<std::optional<SseText>> nextText();
  Result<std::optional<SseText>> finishText();

  // What a client sends as Last-Event-ID to resume the stream.
  const std::string& lastEventId() const { return last_id_; }
  // The server's last "retry:", the time to wait before a reconnect.
  std::optional<std::chrono::milliseconds> retry() const { return retry_; }

 private:
  std::optional<std::string_view> nextLine();
  void skipBom();
  void takeLine(std::string_view line);
  void takeField(std::string_view name, std::string_view value);
  void takeData(std::string_view text);
  void ownData();
  std::optional<SseText> dispatch();
  Result<std::optional<SseEvent>> copied(const Result<std::optional<SseText>>& text) const;
  void fail(std::string_view what, std::size_t limit);

  std::size_t max_line_;
  std::size_t max_event_;
  SseDialect dialect_;
  std::string buffer_;
  std::size_t position_ = 0;  // start of the first line that is not consumed
  std::size_t scanned_ = 0;   // no line end lies before this
  bool at_start_ = true;
  bool skip_lf_ = false;  // the last line ended with CR: a LF that follows belongs to it
  std::string type_;
  std::string given_type_;
  std::string_view first_data_;  // the event's only data line, in buffer_
  std::string data_;             // all of them, once there are more or the buffer must change
  bool has_data_ = false;
  bool owns_data_ = false;
  bool in_bare_json_ = false;
  std::string last_id_;
  std::optional<std::chrono::milliseconds> retry_;
  std::optional<Error> failed_;
};

}  // namespace agw::protocol
