// Absolute http and https URLs, checked once when the configuration is loaded (RFC 3986, by
// Boost.URL).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace agw {

struct Url {
  bool tls = false;
  std::string host;        // without brackets for IPv6
  std::uint16_t port = 0;  // 80 or 443 when the text has none
  std::string target;      // path and query, at least "/"

  bool operator==(const Url&) const = default;

  std::string authority()
      const;  // for the Host header: the default port left out, IPv6 in brackets
};

// Refuses other schemes, user info, fragments and an empty host. The error's message never repeats
// the URL: it may hold a secret in its query.
Result<Url> parseUrl(std::string_view text);

// `base` with `path` appended to its path ("/v1" + "/chat/completions"); one '/' between them.
Url withPath(const Url& base, std::string_view path);

}  // namespace agw
