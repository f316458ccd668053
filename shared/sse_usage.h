// Takes the executor's usage comment block out of a server-sent event stream as it passes.
//
// The block is ": agent-usage {json}\n\n" (see edge_headers.h) and stands on its own. Everything else
// passes untouched and at once: at most one line that starts with ':' is held back until its end is seen,
// and never more than kMaxHeldLine bytes (a longer comment line is passed on). Source for the framing:
// WHATWG HTML, "Server-sent events".
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

  // Where the bytes to pass on go. `from_input` views point into the fed input (so that nginx can make
  // shadow buffers without a copy); otherwise the view is into the filter's held line and must be copied
  // before the next call.
  struct Sink {
    void* context;
    // Returns false to stop (out of memory); feed() then returns false.
    bool (*pass)(void* context, std::string_view bytes, bool from_input) noexcept;
  };

  bool feed(std::string_view input, const Sink& sink) noexcept;
  // The stream ended: what was held back goes out.
  bool finish(const Sink& sink) noexcept;

  const std::optional<Usage>& usage() const noexcept { return usage_; }  // the last block seen
  // data: events seen, [DONE] included; the fallback when no usage is reported.
  std::uint64_t dataEvents() const noexcept { return data_events_; }

 private:
  enum class State : std::uint8_t { LineStart, InLine, InComment, AfterUsage, AfterUsageCr };
  State state_ = State::LineStart;
  bool last_was_cr_ = false;
  std::uint8_t data_prefix_ = 0;
  std::uint16_t held_ = 0;
  std::array<char, kMaxHeldLine> line_;
  std::uint64_t data_events_ = 0;
  std::optional<Usage> usage_;
};

}  // namespace agw
