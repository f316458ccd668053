#include "protocol/sse.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

namespace agw::protocol {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";

// Where the first LF or CR from `from` on is, or the end.
std::size_t lineEnd(std::string_view text, std::size_t from) {
  const std::size_t lf = std::min(text.find('\n', from), text.size());
  const std::size_t cr = text.substr(0, lf).find('\r', from);
  return std::min(cr, lf);
}

}  // namespace

SseParser::SseParser(std::size_t max_line, std::size_t max_event, SseDialect dialect)
    : max_line_(max_line), max_event_(max_event), dialect_(dialect) {}

void SseParser::feed(std::string_view bytes) {
  if (failed_) return;
  ownData();
  buffer_.erase(0, position_);
  scanned_ -= position_;
  position_ = 0;
  buffer_.append(bytes);
}

Result<std::optional<SseText>> SseParser::nextText() {
  skipBom();
  while (!at_start_ && !failed_) {
    const std::optional<std::string_view> line = nextLine();
    if (!line) break;
    if (!line->empty()) {
      takeLine(*line);
    } else if (const std::optional<SseText> text = dispatch()) {
      return text;
    }
  }
  if (failed_) return *failed_;
  return std::optional<SseText>();
}

Result<std::optional<SseText>> SseParser::finishText() {
  Result<std::optional<SseText>> whole = nextText();
  if (!whole || *whole) return whole;
  at_start_ = false;  // what is there of a BOM will not become one
  whole = nextText();
  if (!whole || *whole) return whole;
  if (position_ < buffer_.size()) {
    const std::string_view last = std::string_view(buffer_).substr(position_);
    position_ = scanned_ = buffer_.size();
    takeLine(last);
    if (failed_) return *failed_;
  }
  return dispatch();
}

Result<std::optional<SseEvent>> SseParser::next() { return copied(nextText()); }

Result<std::optional<SseEvent>> SseParser::finish() { return copied(finishText()); }

Result<std::optional<SseEvent>> SseParser::copied(
    const Result<std::optional<SseText>>& text) const {
  if (!text) return text.error();
  if (!*text) return std::optional<SseEvent>();
  return std::optional<SseEvent>(
      {std::string((*text)->type), std::string((*text)->data), last_id_});
}

void SseParser::skipBom() {
  if (!at_start_) return;
  const std::size_t size = std::min(buffer_.size(), kBom.size());
  if (buffer_.compare(0, size, kBom, 0, size) != 0) {
    at_start_ = false;
  } else if (size == kBom.size()) {
    at_start_ = false;
    position_ = scanned_ = size;
  }
}

// The next line without its end; the view holds until the buffer changes.
std::optional<std::string_view> SseParser::nextLine() {
  if (skip_lf_ && position_ < buffer_.size()) {
    if (buffer_[position_] == '\n') ++position_;
    skip_lf_ = false;
  }
  const std::size_t end = lineEnd(buffer_, std::max(scanned_, position_));
  scanned_ = end;
  if (end - position_ > max_line_) {
    fail("a line", max_line_);
    return std::nullopt;
  }
  if (end == buffer_.size()) return std::nullopt;
  const std::string_view line = std::string_view(buffer_).substr(position_, end - position_);
  skip_lf_ = buffer_[end] == '\r';
  position_ = scanned_ = end + 1;
  return line;
}

void SseParser::takeLine(std::string_view line) {
  if (dialect_ == SseDialect::Sloppy && (in_bare_json_ || line.front() == '{')) {
    in_bare_json_ = true;
    takeData(line);
    return;
  }
  const std::size_t colon = line.find(':');
  if (colon == 0) return;  // a comment
  std::string_view value;
  if (colon != std::string_view::npos) {
    value = line.substr(colon + 1);
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  }
  takeField(line.substr(0, colon), value);
}

void SseParser::takeField(std::string_view name, std::string_view value) {
  if (name == "data") {
    takeData(value);
  } else if (name == "event") {
    type_ = value;
  } else if (name == "error" && dialect_ == SseDialect::Sloppy) {
    type_ = name;
    takeData(value);
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (name == "retry") {
    std::uint32_t wait = 0;
    const char* const end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, wait);
    if (parsed.ec == std::errc() && parsed.ptr == end) retry_ = std::chrono::milliseconds(wait);
  }
}

void SseParser::takeData(std::string_view text) {
  const std::size_t size = owns_data_ ? data_.size() : has_data_ ? first_data_.size() : 0;
  if (size + text.size() + 1 > max_event_) {
    fail("an event", max_event_);
    return;
  }
  if (!std::exchange(has_data_, true)) {
    first_data_ = text;
    return;
  }
  ownData();
  data_.append(1, '\n').append(text);
}

void SseParser::ownData() {
  if (!has_data_ || owns_data_) return;
  data_.assign(first_data_);
  owns_data_ = true;
}

std::optional<SseText> SseParser::dispatch() {
  given_type_.clear();
  given_type_.swap(type_);
  in_bare_json_ = false;
  const bool owns_data = std::exchange(owns_data_, false);
  if (!std::exchange(has_data_, false)) return std::nullopt;
  const std::string_view data = owns_data ? std::string_view(data_) : first_data_;
  if (data.empty()) return std::nullopt;
  return SseText{given_type_, data};
}

void SseParser::fail(std::string_view what, std::size_t limit) {
  failed_ =
      upstreamError(ErrorCode::UpstreamInvalidResponse, "the upstream's event stream is not usable",
                    std::string(what) + " is over " + std::to_string(limit) + " bytes");
  buffer_ = {};
  position_ = scanned_ = 0;
  data_ = {};
  has_data_ = owns_data_ = false;
}

}  // namespace agw::protocol
