#include "bench/load/url.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace agent_load {
namespace {

[[noreturn]] void refuse(const std::string& text, const std::string& why) {
  throw UsageError("--url " + text + ": " + why);
}

std::uint16_t parsePort(const std::string& text, std::string_view digits) {
  std::uint16_t port = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, port);
  if (digits.empty() || error != std::errc() || stop != end || port == 0) {
    refuse(text, "the port must be a number from 1 to 65535");
  }
  return port;
}

}  // namespace

Url parseUrl(const std::string& text) {
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    refuse(text, "must begin with http:// or https://");
  }
  if (std::any_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == 0x7f; })) {
    refuse(text, "holds a character that no URL may hold; encode it");
  }
  if (rest.find('#') != std::string_view::npos) refuse(text, "must not have a fragment");
  const auto path = rest.find_first_of("/?");
  const std::string_view authority = rest.substr(0, path);
  url.authority = authority;
  url.target = path == std::string_view::npos ? "/" : rest.substr(path);
  if (url.target.starts_with('?')) url.target.insert(0, "/");
  if (authority.find('@') != std::string_view::npos) refuse(text, "must not have a user name");

  std::string_view host = authority;
  std::string_view after_host;
  if (host.starts_with('[')) {
    const auto bracket = host.find(']');
    if (bracket == std::string_view::npos) refuse(text, "[ without ]");
    after_host = host.substr(bracket + 1);
    host = host.substr(1, bracket - 1);
    if (!after_host.empty() && after_host.front() != ':') refuse(text, "a port needs a colon");
  } else if (const auto colon = host.find(':'); colon != std::string_view::npos) {
    after_host = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (host.empty()) refuse(text, "has no host");
  url.host = host;
  url.port = url.tls ? 443 : 80;
  if (!after_host.empty()) url.port = parsePort(text, after_host.substr(1));
  return url;
}

}  // namespace agent_load
