#include "config/values.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "shared/model_id.h"

namespace agw::config {
namespace {

constexpr std::size_t kMaxName = 64;

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool isAlphanumeric(char c) { return isDigit(c) || isLetter(c); }

template <class Predicate>
bool isName(std::string_view name, Predicate allowed) {
  return !name.empty() && name.size() <= kMaxName && std::all_of(name.begin(), name.end(), allowed);
}

bool isIdentifier(std::string_view name) {
  return !name.empty() && !isDigit(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return isAlphanumeric(c) || c == '_'; });
}

}  // namespace

std::optional<Millis> parseDuration(std::string_view text) {
  const auto number_end =
      std::find_if_not(text.begin(), text.end(), [](char c) { return isDigit(c) || c == '.'; });
  const std::string_view number(text.begin(), number_end);
  const std::string_view unit(number_end, text.end());
  double scale = 0;
  if (unit == "ms") {
    scale = 1;
  } else if (unit.empty() || unit == "s") {
    scale = 1000;
  } else if (unit == "m") {
    scale = 60'000;
  } else if (unit == "h") {
    scale = 3'600'000;
  } else {
    return std::nullopt;
  }
  if (number.empty() || number.size() > 12 || !isDigit(number.front()) || !isDigit(number.back())) {
    return std::nullopt;
  }
  double value = 0;
  const auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), value,
                                             std::chars_format::fixed);
  if (failed != std::errc() || end != number.data() + number.size()) return std::nullopt;
  const double millis = std::round(value * scale);
  if (value > 0 && millis < 1) return Millis(1);
  return Millis(static_cast<Millis::rep>(millis));
}

std::string formatDuration(Millis span) {
  const auto count = span.count();
  if (count != 0 && count % 3'600'000 == 0) return std::to_string(count / 3'600'000) + "h";
  if (count != 0 && count % 60'000 == 0) return std::to_string(count / 60'000) + "m";
  if (count % 1000 == 0) return std::to_string(count / 1000) + "s";
  return std::to_string(count) + "ms";
}

std::optional<std::uint64_t> parseWholeNumber(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> parseSize(std::string_view text) {
  std::uint64_t unit = 1;
  if (!text.empty() && (text.back() == 'k' || text.back() == 'm')) {
    unit = text.back() == 'k' ? 1024 : 1024 * 1024;
    text.remove_suffix(1);
  }
  const auto count = parseWholeNumber(text);
  if (!count || *count > UINT64_MAX / unit) return std::nullopt;
  return *count * unit;
}

std::string checkListenAddress(std::string_view address) {
  constexpr std::string_view kUnix = "unix:";
  constexpr const char* kNotAnAddress =
      "not a listen address; write unix:/path, IP:port or [IPv6]:port";
  if (address.starts_with(kUnix)) {
    const std::string_view path = address.substr(kUnix.size());
    if (path.empty() || path.front() != '/' || hasControl(path)) {
      return "the socket's path must be absolute; write unix:/path";
    }
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
      return "the socket's path is longer than " +
             std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " bytes; use a shorter one";
    }
    return {};
  }
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return kNotAnAddress;
  std::string host(address.substr(0, colon));
  const auto port = parseWholeNumber(address.substr(colon + 1));
  int family = AF_INET;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    family = AF_INET6;
    host = host.substr(1, host.size() - 2);
  }
  in6_addr ignored{};  // large enough for both families
  const bool good_host = inet_pton(family, host.c_str(), &ignored) == 1;
  return port && *port <= 65535 && good_host ? "" : kNotAnAddress;
}

bool isToolName(std::string_view name) {
  return isName(name, [](char c) { return isAlphanumeric(c) || c == '_' || c == '-'; });
}

bool isServerName(std::string_view name) {
  return isName(name, [](char c) { return isAlphanumeric(c) || c == '_' || c == '-' || c == '.'; });
}

bool isNameSpace(std::string_view name) {
  return name.find('/') == std::string_view::npos && name.size() <= kMaxName &&
         canonicalModelId(std::string(name) + "/x").has_value();
}

bool isModule(std::string_view text) {
  for (;;) {
    const std::size_t dot = text.find('.');
    if (!isIdentifier(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool isModuleCallable(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != std::string_view::npos && isModule(text.substr(0, colon)) &&
         isIdentifier(text.substr(colon + 1));
}

bool isVariableName(std::string_view name) { return isIdentifier(name); }

bool isHeaderName(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && name.size() <= 256 && std::all_of(name.begin(), name.end(), [&](char c) {
    return isAlphanumeric(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool isHeaderValue(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7F) || c == '\t';
  });
}

bool hasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

}  // namespace agw::config
