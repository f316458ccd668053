#include "base/url.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace agw {
namespace {

namespace urls = boost::urls;

constexpr std::size_t kMaxUrl = 8192;
constexpr std::size_t kMaxHost = 253;  // RFC 1035, without the final dot

Error badUrl(const char* message) { return clientError(ErrorCode::InvalidValue, message); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// A decoded host name reaches the Host header and the resolver: nothing but the characters of
// names.
bool isHostName(std::string_view host) {
  return !host.empty() && host.size() <= kMaxHost &&
         std::all_of(host.begin(), host.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                  c == '_';
         });
}

Result<std::string> readHost(const urls::url_view& view) {
  switch (view.host_type()) {
    case urls::host_type::name:
    case urls::host_type::ipv4: {
      std::string host = view.host();
      std::transform(host.begin(), host.end(), host.begin(), lower);
      if (host.empty()) return badUrl("the URL has no host; write e.g. http://localhost:8080/path");
      if (!isHostName(host)) {
        return badUrl(
            "the URL's host holds a character that host names do not have; use letters, digits, "
            "'-' "
            "and '.'");
      }
      return host;
    }
    case urls::host_type::ipv6:
      return view.host_ipv6_address().to_string();
    case urls::host_type::none:
      return badUrl("the URL has no host; write e.g. http://localhost:8080/path");
    case urls::host_type::ipvfuture:
      break;
  }
  return badUrl("the URL's host is of a kind that is not supported; use a name, IPv4 or [IPv6]");
}

}  // namespace

std::string Url::authority() const {
  std::string out;
  const bool ipv6 = host.find(':') != std::string::npos;
  if (ipv6) out += '[';
  out += host;
  if (ipv6) out += ']';
  if (port != (tls ? 443 : 80)) {
    out += ':';
    out += std::to_string(port);
  }
  return out;
}

Result<Url> parseUrl(std::string_view text) {
  if (text.size() > kMaxUrl) return badUrl("the URL is longer than 8192 bytes");
  const auto parsed = urls::parse_uri(text);
  if (!parsed) {
    return badUrl("not an absolute URL; write e.g. http://localhost:8080/path");
  }
  const urls::url_view& view = *parsed;

  Url url;
  std::string scheme = view.scheme();
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), lower);
  if (scheme == "https") {
    url.tls = true;
  } else if (scheme != "http") {
    return badUrl("the URL's scheme must be http or https");
  }
  if (!view.has_authority()) {
    return badUrl("the URL has no host; write e.g. http://localhost:8080/path");
  }
  if (view.has_userinfo()) {
    return badUrl("the URL must not hold a user name or password; send credentials in a header");
  }
  if (view.has_fragment()) return badUrl("the URL must not have a fragment ('#' and what follows)");

  auto host = readHost(view);
  if (!host) return host.error();
  url.host = std::move(*host);

  url.port = url.tls ? 443 : 80;
  if (view.has_port()) {
    url.port = view.port_number();  // 0 for an empty port and for one over 65535
    if (url.port == 0) return badUrl("the URL's port must be a number from 1 to 65535");
  }
  // The library ends a port at the first byte that is no digit and calls the rest a path.
  const auto path = view.encoded_path();
  if (!path.empty() && path.front() != '/') {
    return badUrl("the URL's port must be a number from 1 to 65535");
  }
  const auto target = view.encoded_target();
  url.target.assign(target.data(), target.size());
  if (url.target.empty() || url.target.front() != '/') url.target.insert(0, 1, '/');
  return url;
}

Url withPath(const Url& base, std::string_view path) {
  Url url = base;
  const std::size_t query_at = base.target.find('?');
  const std::string query = query_at == std::string::npos ? "" : base.target.substr(query_at + 1);
  url.target.resize(std::min(query_at, base.target.size()));
  if (!path.empty()) {
    while (!url.target.empty() && url.target.back() == '/') url.target.pop_back();
    if (path.front() != '/') url.target += '/';
    url.target += path;
  }
  if (query_at != std::string::npos) {
    url.target += url.target.find('?') == std::string::npos ? '?' : '&';
    url.target += query;
  }
  return url;
}

}  // namespace agw
