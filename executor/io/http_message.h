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

bool sameHeaderName(std::string_view a, std::string_view b);

bool isToken(std::string_view text);

// The name is a token and the value has no control characters: it cannot start another line.
bool validHeader(const HttpHeader& header);

// Appends "name: value" and a line end.
void appendHeader(std::string& out, std::string_view name, std::string_view value);

}  // namespace agw::io
