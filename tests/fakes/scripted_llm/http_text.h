// HTTP/1.1 response headers and OpenAI error bodies as text.
#pragma once

#include <string>
#include <string_view>

namespace scripted_llm {

class HeaderBlock {
 public:
  explicit HeaderBlock(unsigned status);
  void add(std::string_view name, std::string_view value);
  std::string finish() { return std::move(text_) + "\r\n"; }

 private:
  std::string text_;
};

// {"error":{"message","type","param","code"}}; an empty param is null.
std::string errorBody(std::string_view message, std::string_view type, std::string_view param,
                      std::string_view code);

}  // namespace scripted_llm
