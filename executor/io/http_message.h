// HTTP messages as values, without Beast.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace agw::io {

struct HttpHeader {
  std::string name;
  std::string value;
};
using HttpHeaders = std::vector<HttpHeader>;

// The first value of that name (any case), or "".
std::string_view findHeader(const HttpHeaders& headers, std::string_view name);

}  // namespace agw::io
