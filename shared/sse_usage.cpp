#include "shared/sse_usage.h"

#include <cstring>
#include <type_traits>

namespace agw {

static_assert(std::is_trivially_copyable_v<SseUsageFilter>);

namespace {

constexpr std::string_view kDataField = "data:";
constexpr std::uint8_t kNoMatch = 0xFF;

constexpr bool isTerminator(char c) { return c == '\n' || c == '\r'; }

}  // namespace

// The stretch of the input that stays and was not given to the sink yet.
class SseUsageFilter::Run {
 public:
  Run(SseUsageFilter& filter, const char* begin, const Sink& sink) noexcept
      : filter_(filter), begin_(begin), block_begin_(begin), sink_(sink) {}

  bool good() const noexcept { return good_; }
  // A block ended before `p`.
  void endBlock(const char* p) noexcept { block_begin_ = p; }
  // Everything before `p` stays; what comes from there on is not decided.
  void keepUntil(const char* p) noexcept {
    if (block_begin_ > begin_) {
      pass({begin_, static_cast<std::size_t>(block_begin_ - begin_)});
      filter_.block_ = 0;
      filter_.passes_block_ = false;
      begin_ = block_begin_;
    }
    if (p == begin_) return;
    const std::string_view half{begin_, static_cast<std::size_t>(p - begin_)};
    begin_ = p;
    if (!takeForBlock(half.size())) {
      pass(half);
    } else {
      hold(half);
    }
  }
  // The input from the last decided byte up to `p` is taken out.
  void dropUntil(const char* p) noexcept { begin_ = p; }
  // Of the filter's own memory, and of a block that has not ended.
  void keepCopy(std::string_view bytes) noexcept {
    if (bytes.empty()) return;
    hold(bytes);
    if (!takeForBlock(bytes.size())) release();
  }
  void release() noexcept { pass({}); }
  const char* begin() const noexcept { return begin_; }

 private:
  // Whether so many bytes more of the current block may be held.
  bool takeForBlock(std::size_t size) noexcept {
    if (filter_.passes_block_ || size > kMaxHeldBlock - filter_.block_) {
      filter_.passes_block_ = true;
      return false;
    }
    filter_.block_ += static_cast<std::uint32_t>(size);
    return true;
  }
  void pass(std::string_view bytes) noexcept { good_ = good_ && sink_.pass(sink_.context, bytes); }
  void hold(std::string_view bytes) noexcept { good_ = good_ && sink_.hold(sink_.context, bytes); }

  SseUsageFilter& filter_;
  const char* begin_;
  const char* block_begin_;  // of the block that has not ended, or where the next one begins
  const Sink& sink_;
  bool good_ = true;
};

bool SseUsageFilter::feed(std::string_view input, const Sink& sink) noexcept {
  const char* p = input.data();
  const char* const end = p + input.size();
  Run run(*this, p, sink);
  while (p != end && run.good()) {
    if (!in_block_ && state_ == State::LineStart) run.endBlock(p);
    switch (state_) {
      case State::LineStart:
        p = startLine(p, run);
        break;
      case State::InLine:
        p = passLine(p, end);
        break;
      case State::InComment:
        p = holdComment(p, end, run);
        break;
      case State::AfterUsage:
        p = dropBlankLine(p, run);
        break;
    }
  }
  if (!in_block_ && state_ == State::LineStart) run.endBlock(end);
  run.keepUntil(end);
  return run.good();
}

bool SseUsageFilter::finish(const Sink& sink) noexcept {
  Run run(*this, nullptr, sink);
  run.keepCopy({line_.data(), held_});
  run.release();
  held_ = 0;
  state_ = State::InLine;
  return run.good();
}

std::string_view SseUsageFilter::cut() noexcept {
  if (passes_block_ && state_ == State::InLine) return "\n\n";
  held_ = 0;
  state_ = State::LineStart;
  after_dropped_cr_ = false;  // what follows is no half of a line end in the input
  if (!passes_block_) {
    block_ = 0;
    in_block_ = block_has_data_ = after_passed_cr_ = false;
    return {};
  }
  return after_passed_cr_ ? "\n\n" : "\n";  // the first LF belongs to the CR
}

const char* SseUsageFilter::startLine(const char* p, Run& run) noexcept {
  if (*p == '\n' && (after_passed_cr_ || after_dropped_cr_)) {
    if (!after_passed_cr_) {
      run.keepUntil(p);
      run.dropUntil(p + 1);
    }
    after_passed_cr_ = after_dropped_cr_ = false;
    return p + 1;
  }
  after_dropped_cr_ = false;
  if (isTerminator(*p)) {
    in_block_ = false;
    block_has_data_ = false;
    after_passed_cr_ = *p == '\r';
    return p + 1;
  }
  if (*p == ':') {
    run.keepUntil(p);
    state_ = State::InComment;
    return p;
  }
  in_block_ = true;
  field_matched_ = 0;
  state_ = State::InLine;
  return p;
}

void SseUsageFilter::endLine(char terminator) noexcept {
  // A line "data" without a colon is a data field, too.
  if (field_matched_ == kDataField.size() - 1 && !block_has_data_) {
    block_has_data_ = true;
    ++data_events_;
  }
  after_passed_cr_ = terminator == '\r';
  state_ = State::LineStart;
}

const char* SseUsageFilter::passLine(const char* p, const char* end) noexcept {
  while (p != end && field_matched_ < kDataField.size()) {
    if (isTerminator(*p)) {
      endLine(*p);
      return p + 1;
    }
    if (*p != kDataField[field_matched_]) {
      field_matched_ = kNoMatch;
      break;
    }
    ++p;
    if (++field_matched_ == kDataField.size() && !block_has_data_) {
      block_has_data_ = true;
      ++data_events_;
    }
  }
  const auto size = static_cast<std::size_t>(end - p);
  if (size == 0) return end;
  const auto* lf = static_cast<const char*>(std::memchr(p, '\n', size));
  const char* line_end = lf != nullptr ? lf : end;
  const auto* cr =
      static_cast<const char*>(std::memchr(p, '\r', static_cast<std::size_t>(line_end - p)));
  if (cr != nullptr) line_end = cr;
  if (line_end == end) return end;
  endLine(*line_end);
  return line_end + 1;
}

// Bytes of the comment stand in line_ (from earlier input) and then from run.begin() up to `p`.
const char* SseUsageFilter::holdComment(const char* p, const char* end, Run& run) noexcept {
  const char* const from = run.begin();
  while (p != end && !isTerminator(*p)) {
    const std::size_t at = held_ + static_cast<std::size_t>(p - from);
    if (at == kMaxHeldLine || (at < kUsageComment.size() && *p != kUsageComment[at])) {
      run.keepCopy({line_.data(), held_});
      held_ = 0;
      in_block_ = true;
      field_matched_ = kNoMatch;
      state_ = State::InLine;
      return p;
    }
    ++p;
  }
  const auto fresh = static_cast<std::size_t>(p - from);
  if (p == end) {
    std::memcpy(line_.data() + held_, from, fresh);
    held_ = static_cast<std::uint16_t>(held_ + fresh);
    run.dropUntil(end);
    return end;
  }

  std::string_view line{from, fresh};
  const std::size_t held_before = held_;
  if (held_before != 0) {
    std::memcpy(line_.data() + held_before, from, fresh);
    line = {line_.data(), held_before + fresh};
  }
  held_ = 0;
  std::optional<Usage> usage;
  if (line.size() > kUsageComment.size()) usage = parseUsage(line.substr(kUsageComment.size()));
  if (!usage) {
    run.keepCopy({line_.data(), held_before});
    in_block_ = true;
    field_matched_ = kNoMatch;
    endLine(*p);
    return p + 1;
  }
  usage_ = usage;
  state_ = in_block_ ? State::LineStart : State::AfterUsage;
  if (in_block_ && after_passed_cr_ && *p == '\n') {
    run.dropUntil(p);
    after_passed_cr_ = false;
    return p + 1;
  }
  if (!in_block_) after_passed_cr_ = false;
  after_dropped_cr_ = *p == '\r';
  run.dropUntil(p + 1);
  return p + 1;
}

const char* SseUsageFilter::dropBlankLine(const char* p, Run& run) noexcept {
  if (*p == '\n' && after_dropped_cr_) {  // the second half of the comment's own CRLF
    after_dropped_cr_ = false;
    run.dropUntil(p + 1);
    return p + 1;
  }
  after_dropped_cr_ = false;
  state_ = State::LineStart;
  if (!isTerminator(*p)) return p;
  after_dropped_cr_ = *p == '\r';
  run.dropUntil(p + 1);
  return p + 1;
}

}  // namespace agw
