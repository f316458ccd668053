#include "protocol/chunk_shape.h"

#include "base/json_cursor.h"
#include "base/json_text.h"

namespace agw::protocol {
namespace {

// A string at the start of `json`, when there is nothing in it to mend.
std::string_view cleanString(std::string_view json) {
  if (!json.starts_with('"')) return {};
  JsonCursor cursor(json);
  std::string_view string;
  const bool clean = cursor.string(string) && !cursor.hasHalfPair() && !cursor.hasControl() &&
                     (!cursor.hasHighBytes() || isUtf8(string));
  return clean ? string : std::string_view();
}

}  // namespace

void ChunkShape::learn(std::string_view json, std::string_view rest, Gap text, Gap padding) {
  const std::array<Gap, 2> all{text, padding};
  gaps_ = padding.in_json.empty() ? 1 : 2;
  std::size_t at_json = 0;
  std::size_t at_rest = 0;
  for (std::size_t i = 0; i < gaps_; ++i) {
    const std::string_view gap = all[i].in_json;
    const auto begin = static_cast<std::size_t>(gap.data() - json.data());
    json_[i] = json.substr(at_json, begin - at_json);
    rest_[i] = rest.substr(at_rest, all[i].in_rest - at_rest);
    at_json = begin + gap.size();
    at_rest = all[i].in_rest + gap.size();
  }
  json_[gaps_] = json.substr(at_json);
  rest_[gaps_] = rest.substr(at_rest);
  known_ = true;
}

bool ChunkShape::matches(std::string_view json) {
  if (!known_) return false;
  for (std::size_t i = 0; i < gaps_; ++i) {
    if (!json.starts_with(json_[i])) return false;
    json.remove_prefix(json_[i].size());
    values_[i] = cleanString(json);
    if (values_[i].empty()) return false;
    json.remove_prefix(values_[i].size());
  }
  return json == json_[gaps_];
}

std::string_view ChunkShape::rest() {
  out_ = rest_[0];
  for (std::size_t i = 0; i < gaps_; ++i) out_.append(values_[i]).append(rest_[i + 1]);
  return out_;
}

}  // namespace agw::protocol
