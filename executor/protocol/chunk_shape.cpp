#include "protocol/chunk_shape.h"

#include "base/json_cursor.h"
#include "base/json_text.h"

namespace agw::protocol {

void ChunkShape::learn(std::string_view json, std::string_view content, std::string_view rest,
                       std::size_t content_in_rest) {
  const auto at = static_cast<std::size_t>(content.data() - json.data());
  before_ = json.substr(0, at);
  after_ = json.substr(at + content.size());
  rest_ = rest.substr(0, content_in_rest);
  rest_before_ = content_in_rest;
  rest_after_ = rest.substr(content_in_rest + content.size());
  known_ = true;
}

std::string_view ChunkShape::contentOf(std::string_view json) const {
  if (!known_ || json.size() < before_.size() + after_.size() + 2) return {};
  if (!json.starts_with(before_) || !json.ends_with(after_)) return {};
  json.remove_prefix(before_.size());
  json.remove_suffix(after_.size());
  JsonCursor cursor(json);
  std::string_view content;
  if (json.front() != '"' || !cursor.string(content) || content.size() != json.size()) return {};
  const bool clean =
      !cursor.hasHalfPair() && !cursor.hasControl() && (!cursor.hasHighBytes() || isUtf8(content));
  return clean ? content : std::string_view();
}

std::string_view ChunkShape::restWith(std::string_view content) {
  rest_.resize(rest_before_);
  return rest_.append(content).append(rest_after_);
}

}  // namespace agw::protocol
