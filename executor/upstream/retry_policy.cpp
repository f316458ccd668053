#include "upstream/retry_policy.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <string>

namespace agw::upstream {
namespace {

// Milliseconds of a decimal number of `unit` milliseconds.
std::optional<Millis> parseSpan(std::string_view text, double unit) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error == std::errc::result_out_of_range) return kMaxRetryAfter;
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(number) || number < 0) return std::nullopt;
  const double millis = std::ceil(number * unit);
  const auto most = static_cast<double>(kMaxRetryAfter.count());
  return Millis(static_cast<Millis::rep>(std::min(millis, most)));
}

// RFC 9110 5.6.7: the form that servers write, and the two that are to be understood.
std::optional<std::time_t> parseHttpDate(const std::string& text) {
  constexpr const char* kForms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                    "%a %b %e %H:%M:%S %Y"};
  for (const char* form : kForms) {
    std::tm date{};
    const char* const end = ::strptime(text.c_str(), form, &date);
    if (end != nullptr && *end == '\0') return ::timegm(&date);
  }
  return std::nullopt;
}

}  // namespace

Again mayBeMadeAgain(const Error& error) {
  switch (error.code) {
    case ErrorCode::UpstreamUnreachable:
      return Again::Anywhere;
    case ErrorCode::UpstreamTimeout:
    case ErrorCode::UpstreamRateLimited:
    case ErrorCode::UpstreamError:
      return error.retryable ? Again::Anywhere : Again::Elsewhere;
    case ErrorCode::UpstreamAuth:
    case ErrorCode::UpstreamInvalidResponse:
    case ErrorCode::UpstreamStreamTruncated:
    case ErrorCode::UpstreamOverloaded:
    case ErrorCode::UpstreamUnavailable:
      return Again::Elsewhere;
    default:
      return Again::Never;
  }
}

std::optional<Millis> parseRetryAfter(std::string_view retry_after, std::string_view retry_after_ms,
                                      std::chrono::system_clock::time_point now) {
  if (const auto exact = parseSpan(retry_after_ms, 1)) return exact;
  if (const auto span = parseSpan(retry_after, 1000)) return span;
  constexpr std::size_t kLongestDate = 40;
  if (retry_after.size() > kLongestDate) return std::nullopt;
  const auto date = parseHttpDate(std::string(retry_after));
  if (!date) return std::nullopt;
  const auto wait = std::chrono::system_clock::from_time_t(*date) - now;
  return std::clamp(std::chrono::ceil<Millis>(wait), Millis(0), kMaxRetryAfter);
}

std::optional<Millis> waitBefore(unsigned retry, const config::RetrySettings& settings,
                                 std::optional<Millis> asked, double random) {
  constexpr unsigned kMostDoublings = 20;
  const unsigned doublings = std::min(retry - 1, kMostDoublings);
  const Millis most = std::min(settings.backoff * (1U << doublings), settings.backoff_max);
  const Millis wait(static_cast<Millis::rep>(static_cast<double>(most.count()) * random));
  const Millis longest = std::max(wait, asked.value_or(Millis(0)));
  if (longest > settings.backoff_max) return std::nullopt;
  return longest;
}

}  // namespace agw::upstream
