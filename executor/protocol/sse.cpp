#include "protocol/sse.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

namespace agw::protocol {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";

}  // namespace

SseParser::SseParser(std::size_t max_line, std::size_t max_event)
    : max_line_(max_line), max_event_(max_event) {}

void SseParser::feed(std::string_view bytes) {
  if (failed_) return;
  buffer_.erase(0, position_);
  scanned_ -= position_;
  position_ = 0;
  buffer_.append(bytes);
}

Result<std::optional<SseEvent>> SseParser::next() {
  skipBom();
  while (!at_start_ && !failed_) {
    const std::optional<std::string_view> line = nextLine();
    if (!line) break;
    if (!line->empty()) {
      takeLine(*line);
    } else if (std::optional<SseEvent> event = dispatch()) {
      return event;
    }
  }
  if (failed_) return *failed_;
  return std::optional<SseEvent>();
}

Result<std::optional<SseEvent>> SseParser::finish() {
  Result<std::optional<SseEvent>> whole = next();
  if (!whole || *whole) return whole;
  at_start_ = false;  // what is there of a BOM will not become one
  whole = next();
  if (!whole || *whole) return whole;
  if (position_ < buffer_.size()) {
    const std::string last = buffer_.substr(position_);
    position_ = scanned_ = buffer_.size();
    takeLine(last);
    if (failed_) return *failed_;
  }
  return dispatch();
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
  std::size_t end = std::max(scanned_, position_);
  while (end < buffer_.size() && buffer_[end] != '\n' && buffer_[end] != '\r') ++end;
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
    if (data_.size() + value.size() + 1 > max_event_) {
      fail("an event", max_event_);
      return;
    }
    if (has_data_) data_.push_back('\n');
    data_.append(value);
    has_data_ = true;
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (name == "retry") {
    std::uint32_t wait = 0;
    const char* const end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, wait);
    if (parsed.ec == std::errc() && parsed.ptr == end) retry_ = std::chrono::milliseconds(wait);
  }
}

std::optional<SseEvent> SseParser::dispatch() {
  SseEvent event{std::exchange(type_, {}), std::exchange(data_, {}), {}};
  has_data_ = false;
  if (event.data.empty()) return std::nullopt;
  event.id = last_id_;
  return event;
}

void SseParser::fail(std::string_view what, std::size_t limit) {
  failed_ =
      upstreamError(ErrorCode::UpstreamInvalidResponse, "the upstream's event stream is not usable",
                    std::string(what) + " is over " + std::to_string(limit) + " bytes");
  buffer_ = {};
  position_ = scanned_ = 0;
  data_ = {};
}

}  // namespace agw::protocol
