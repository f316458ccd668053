#include "cli/key_time.h"

#include <charconv>
#include <ctime>
#include <stdexcept>

#include "shared/quantity.h"

namespace agw::cli {
namespace {

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kMaxSpan = 3'650 * kDay;

std::int64_t secondsOf(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3'600;
    case 'd':
      return kDay;
    default:
      return 0;
  }
}

}  // namespace

std::optional<std::int64_t> parseSpan(std::string_view text) {
  if (text.size() < 2 || text[0] < '0' || text[0] > '9') return std::nullopt;
  const std::int64_t unit = secondsOf(text.back());
  std::int64_t number = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (unit == 0 || error != std::errc{} || rest != end) return std::nullopt;
  if (number < 1 || number > kMaxSpan / unit) return std::nullopt;
  return number * unit;
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
