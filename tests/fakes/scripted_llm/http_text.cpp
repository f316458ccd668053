#include "http_text.h"

#include <boost/beast/http/status.hpp>
#include <nlohmann/json.hpp>

namespace scripted_llm {

HeaderBlock::HeaderBlock(unsigned status) {
  const auto reason =
      boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  text_ = "HTTP/1.1 " + std::to_string(status) + " ";
  text_.append(reason.data(), reason.size());
  text_ += "\r\n";
}

void HeaderBlock::add(std::string_view name, std::string_view value) {
  text_.append(name).append(": ").append(value).append("\r\n");
}

std::string errorBody(std::string_view message, std::string_view type, std::string_view param,
                      std::string_view code) {
  using nlohmann::ordered_json;
  const ordered_json error = {{"message", message},
                              {"type", type},
                              {"param", param.empty() ? ordered_json() : ordered_json(param)},
                              {"code", code}};
  return ordered_json{{"error", error}}.dump(-1, ' ', false,
                                             ordered_json::error_handler_t::replace);
}

}  // namespace scripted_llm
