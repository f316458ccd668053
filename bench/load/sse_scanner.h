// Finds the lines of an event stream that carry data, wherever the stream is cut into pieces. Lines
// end in LF or CR LF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace agent_load {

inline constexpr std::string_view kDone = "[DONE]";

class SseScanner {
 public:
  // Of a line that comes in several pieces so much is kept; the rest of it is not looked at.
  static constexpr std::size_t kMaxKept = 64u * 1024;

  // Calls on_payload(std::string_view) for each line that begins with "data:" and ends in `bytes`,
  // with what follows the colon and one space. The view is good for that call.
  template <class OnPayload>
  void feed(std::string_view bytes, OnPayload&& on_payload) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      if (end == std::string_view::npos) {
        keep(bytes);
        return;
      }
      std::string_view line = bytes.substr(0, end);
      bytes.remove_prefix(end + 1);
      if (kept_.empty()) {
        if (isData(line)) on_payload(payloadOf(line));
        continue;
      }
      keep(line);
      if (isData(kept_)) on_payload(payloadOf(kept_));
      kept_.clear();
    }
  }

  void reset() { kept_.clear(); }

 private:
  static constexpr std::string_view kField = "data:";

  static bool isData(std::string_view line) { return line.starts_with(kField); }
  static std::string_view payloadOf(std::string_view line) {
    line.remove_prefix(kField.size());
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }
  void keep(std::string_view piece) { kept_ += piece.substr(0, kMaxKept - kept_.size()); }

  std::string kept_;  // the line that has not ended yet
};

}  // namespace agent_load
