#include "shared/quantity.h"

#include <charconv>

namespace agw {
namespace {

// The whole of `text` as plain digits.
std::optional<std::uint64_t> parseDigits(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> secondsOfUnit(char unit) noexcept {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3'600;
    case 'd':
      return 86'400;
    default:
      return std::nullopt;
  }
}

// Days from 1970-01-01 in the Gregorian calendar: whole years, leap days, then days of the year.
std::int64_t daysSinceEpoch(int year, unsigned day_of_year) noexcept {
  const std::int64_t past = year - 1;  // complete years
  const std::int64_t leap_days = past / 4 - past / 100 + past / 400;
  constexpr std::int64_t kLeapDaysTo1969 = 1969 / 4 - 1969 / 100 + 1969 / 400;
  return (year - 1970) * std::int64_t{365} + (leap_days - kLeapDaysTo1969) + day_of_year;
}

bool isLeapYear(unsigned year) noexcept {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

}  // namespace

std::optional<std::uint64_t> parseCount(std::string_view text) noexcept {
  std::uint64_t factor = 1;
  if (text.ends_with('k') || text.ends_with('K')) factor = 1'000;
  if (text.ends_with('m') || text.ends_with('M')) factor = 1'000'000;
  if (factor != 1) text.remove_suffix(1);
  const auto digits = parseDigits(text);
  if (!digits || *digits == 0 || *digits > kMaxCount / factor) return std::nullopt;
  return *digits * factor;
}

std::optional<Rate> parseRate(std::string_view text) noexcept {
  if (text.size() < 3 || text[text.size() - 2] != '/') return std::nullopt;
  const auto window = secondsOfUnit(text.back());
  const auto count = parseCount(text.substr(0, text.size() - 2));
  if (!window || !count || *count > kMaxRatePerSecond * *window) return std::nullopt;
  return Rate{*count, *window};
}

std::optional<std::uint32_t> parseDuration(std::string_view text, std::uint32_t most) noexcept {
  if (text.size() < 2) return std::nullopt;
  const auto unit = secondsOfUnit(text.back());
  const auto number = parseDigits(text.substr(0, text.size() - 1));
  if (!unit || !number || *number == 0 || *number > most / *unit) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(*number) * *unit;
}

std::optional<std::int64_t> parseUtcTime(std::string_view text) noexcept {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != kShape.size()) return std::nullopt;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool good = kShape[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == kShape[i];
    if (!good) return std::nullopt;
  }
  const auto field = [text](std::size_t from, std::size_t size) {
    unsigned value = 0;
    for (const char c : text.substr(from, size))
      value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
  };
  const unsigned year = field(0, 4);
  const unsigned month = field(5, 2);
  const unsigned day = field(8, 2);
  const unsigned hour = field(11, 2);
  const unsigned minute = field(14, 2);
  const unsigned second = field(17, 2);
  if (year < 1970 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) {
    return std::nullopt;
  }
  const unsigned february = isLeapYear(year) ? 29 : 28;
  const unsigned days_in_month[] = {31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (day < 1 || day > days_in_month[month - 1]) return std::nullopt;
  unsigned day_of_year = day - 1;
  for (unsigned m = 1; m < month; ++m) day_of_year += days_in_month[m - 1];
  return daysSinceEpoch(static_cast<int>(year), day_of_year) * 86'400 + hour * 3'600 + minute * 60 +
         second;
}

}  // namespace agw
