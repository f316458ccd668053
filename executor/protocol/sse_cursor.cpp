#include "protocol/sse_cursor.h"

#include <algorithm>
#include <charconv>

namespace agw::protocol {
namespace {

constexpr std::size_t kMaxId = 1024;
constexpr std::size_t kMaxLine = kMaxId + 8;  // with "id: "
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr long kMaxRetryMs = 24L * 3600 * 1000;

bool canStandInHeader(std::string_view id) {
  return id.size() <= kMaxId &&
         std::all_of(id.begin(), id.end(), [](char c) { return c >= 0x21 && c <= 0x7e; });
}

}  // namespace

void SseCursor::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    if (skip_lf_) {
      skip_lf_ = false;
      if (bytes.front() == '\n') {
        bytes.remove_prefix(1);
        continue;
      }
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    const std::size_t room = kMaxLine - line_.size();
    line_ += piece.substr(0, room);
    line_is_long_ = line_is_long_ || piece.size() > room;
    if (end == std::string_view::npos) return;
    skip_lf_ = bytes[end] == '\r';
    endLine();
    bytes.remove_prefix(end + 1);
  }
}

void SseCursor::restart() {
  line_.clear();
  line_is_long_ = false;
  at_start_ = true;
  skip_lf_ = false;
  pending_id_.reset();
}

void SseCursor::endLine() {
  std::string_view line = line_;
  if (at_start_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  at_start_ = false;
  if (line_is_long_) {
    // An id longer than we would send back: the one before it would resume at the wrong place.
    if (line.starts_with("id:")) pending_id_ = "";
  } else if (line.empty()) {
    if (pending_id_) last_id_ = std::move(*pending_id_);
    pending_id_.reset();
  } else {
    const std::size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value =
        colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "id" && value.find('\0') == std::string_view::npos) {
      pending_id_ = canStandInHeader(value) ? std::string(value) : std::string();
    } else if (field == "retry") {
      long ms = 0;
      const auto [rest, fault] = std::from_chars(value.data(), value.data() + value.size(), ms);
      const bool digits = !value.empty() && value.front() != '-' && fault == std::errc() &&
                          rest == value.data() + value.size();
      if (digits) retry_ = Millis(std::min(ms, kMaxRetryMs));
    }
  }
  line_.clear();
  line_is_long_ = false;
}

}  // namespace agw::protocol
