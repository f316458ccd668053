#include "cli/key_time.h"

#include <ctime>
#include <stdexcept>

#include "shared/quantity.h"

namespace agw::cli {
namespace {

constexpr std::uint32_t kMaxSpan = 3'650 * 86'400;

}  // namespace

std::optional<std::int64_t> parseSpan(std::string_view text) {
  return parseDuration(text, kMaxSpan);
}

std::optional<std::int64_t> parseExpiry(std::string_view text, std::int64_t now_unix) {
  if (const auto span = parseSpan(text)) return now_unix + *span;
  return parseUtcTime(text);
}

std::string formatUtcTime(std::int64_t unix_time) {
  const auto time = static_cast<std::time_t>(unix_time);
  std::tm fields{};
  char text[32];
  if (::gmtime_r(&time, &fields) == nullptr) throw std::out_of_range("a time without a year");
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &fields);
  return {text, size};
}

KeyState keyState(std::int64_t expires_unix, std::int64_t now_unix) {
  if (expires_unix == 0 || expires_unix - now_unix > kExpiryNotice) return KeyState::Valid;
  return expires_unix > now_unix ? KeyState::Expiring : KeyState::Expired;
}

std::string_view stateName(KeyState state) {
  switch (state) {
    case KeyState::Valid:
      return "valid";
    case KeyState::Expiring:
      return "expiring";
    case KeyState::Expired:
      break;
  }
  return "expired";
}

}  // namespace agw::cli
