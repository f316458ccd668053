// Takes the executor's usage comment block out of a server-sent event stream as it passes.
//
// The block is ": agent-usage {json}\n\n" (see edge_headers.h) and stands on its own; it goes with
// the blank line that ends it. Should such a line stand inside another block, then only the line
// goes: the blank line ends that block, also when the line before it ended with a lone CR and the
// blank line is a lone LF. Everything else passes untouched, and only whole blocks:
// what has come of a block is held back until its blank line, so that a stream which breaks off can
// end without half an event. A block of more than kMaxHeldBlock bytes passes as it comes; a line
// that is longer than kMaxHeldLine is no usage comment. Lines end with LF, CRLF or CR. Source for
// the framing: WHATWG HTML, "Server-sent events".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "shared/edge_headers.h"

namespace agw {

// Trivially copyable: lives in nginx request memory.
class SseUsageFilter {
 public:
  static constexpr std::size_t kMaxHeldLine = 256;
  static constexpr std::size_t kMaxHeldBlock = 64 * 1024;

  // Where the bytes go. Both return false to stop (out of memory); feed() then returns false.
  struct Sink {
    void* context;
    // Goes out now, behind what is held. Views of the fed input, or nothing.
    bool (*pass)(void* context, std::string_view bytes) noexcept;
    // To be copied, and kept until the next pass() or dropped after cut(). All that is held at a
    // time is at most kMaxHeldBlock + kMaxHeldLine bytes.
    bool (*hold)(void* context, std::string_view bytes) noexcept;
  };

  bool feed(std::string_view input, const Sink& sink) noexcept;
  // The stream ended: what was held back goes out.
  bool finish(const Sink& sink) noexcept;

  // The stream breaks off here: whatever is held is to be dropped. Returns what must be written,
  // through this filter, so that a new event can follow: nothing, or line ends that close half a
  // block which has passed because it was too long to hold.
  std::string_view cut() noexcept;

  const std::optional<Usage>& usage() const noexcept { return usage_; }  // the last block seen
  // Events with a data line seen, [DONE] included; the fallback when no usage is reported.
  std::uint64_t dataEvents() const noexcept { return data_events_; }

 private:
  enum class State : std::uint8_t { LineStart, InLine, InComment, AfterUsage };
  class Run;

  const char* startLine(const char* p, Run& run) noexcept;
  const char* passLine(const char* p, const char* end) noexcept;
  const char* holdComment(const char* p, const char* end, Run& run) noexcept;
  const char* dropBlankLine(const char* p, Run& run) noexcept;
  void endLine(char terminator) noexcept;

  State state_ = State::LineStart;
  // The last line that stays ended with a CR, and so did the last line that went. An LF that
  // follows belongs to the CR before it and shares its fate, but the line end of a comment that
  // goes from inside a block leaves its LF to a CR that has passed: the block's blank line, which
  // may be an LF, would be taken for that CR's second half.
  bool after_passed_cr_ = false;
  bool after_dropped_cr_ = false;
  bool in_block_ = false;        // the current event block has a line that stays
  bool passes_block_ = false;    // it is too long to hold
  bool block_has_data_ = false;  // the current block is counted
  // How much of "data:" the line has matched so far; kNoMatch: it is another field.
  std::uint8_t field_matched_ = 0;
  std::uint16_t held_ = 0;   // bytes of line_ in use
  std::uint32_t block_ = 0;  // bytes of the current block that the sink holds
  std::array<char, kMaxHeldLine> line_{};
  std::uint64_t data_events_ = 0;
  std::optional<Usage> usage_;
};

}  // namespace agw
