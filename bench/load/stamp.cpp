#include "bench/load/stamp.h"

#include <charconv>

namespace agent_load {

std::optional<std::int64_t> findStamp(std::string_view payload) {
  constexpr std::string_view kMark = "@t";
  for (auto place = payload.find(kMark); place != std::string_view::npos;
       place = payload.find(kMark, place + 1)) {
    const char* const begin = payload.data() + place + kMark.size();
    const char* const end = payload.data() + payload.size();
    if (begin == end || *begin < '0' || *begin > '9') continue;  // from_chars takes a sign
    std::int64_t stamp = 0;
    const auto [stop, error] = std::from_chars(begin, end, stamp);
    if (error == std::errc() && stop != end && *stop == '@') return stamp;
  }
  return std::nullopt;
}

}  // namespace agent_load
