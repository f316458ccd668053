// Where a broken event stream can be taken up again: the id of its last whole event and the pause
// that the server asked for. Pure. Stands beside SseParser because that drops the empty events
// which MCP servers send for no other purpose than their id and retry.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"

namespace agw::protocol {

class SseCursor {
 public:
  void feed(std::string_view bytes);
  // The next bytes come from a new connection: what was cut in the middle is forgotten.
  void restart();

  // "" when there is none that may stand in a header. At most 1024 bytes.
  const std::string& lastEventId() const { return last_id_; }
  std::optional<Millis> retry() const { return retry_; }

 private:
  void endLine();

  std::string line_;  // of the current line, no more than an id or a retry field can need
  bool line_is_long_ = false;
  bool at_start_ = true;
  bool skip_lf_ = false;
  std::optional<std::string>
      pending_id_;  // becomes the last id at the blank line that ends the event
  std::string last_id_;
  std::optional<Millis> retry_;
};

}  // namespace agw::protocol
