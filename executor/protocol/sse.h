// Server-sent events as a client reads them. Pure: bytes in, events out. Source: WHATWG HTML 9.2.6.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace agw::protocol {

struct SseEvent {
  std::string type;  // "" = message
  std::string data;  // data lines joined with LF; never empty
  std::string id;
};

// LF, CRLF and CR line ends, also cut between reads; one leading BOM; comments and unknown fields are ignored.
// Events without data are dropped. Lines over max_line and events over max_event are an error (memory is bounded).
class SseParser {
 public:
  explicit SseParser(std::size_t max_line = 1 << 20, std::size_t max_event = 4 << 20);

  // Adds bytes. Then call next() until it gives nothing.
  void feed(std::string_view bytes);
  Result<std::optional<SseEvent>> next();
  // The stream ended: an unterminated last event, for servers that leave out the final blank line.
  Result<std::optional<SseEvent>> finish();

 private:
  std::size_t max_line_;
  std::size_t max_event_;
  std::string buffer_;
  std::size_t position_ = 0;
  bool at_start_ = true;
  bool skip_lf_ = false;
  SseEvent event_;
  bool has_data_ = false;
};

}  // namespace agw::protocol
