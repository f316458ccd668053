// Two bytes choose code and capacity, then "<param>\n<message>": both writers give whole, valid
// JSON.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "require.h"
#include "shared/openai_error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto table = agw::errorTable();
  const agw::ErrorEntry& entry = table[data[0] % table.size()];
  const std::string_view text{reinterpret_cast<const char*>(data) + 2, size - 2};
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view param = text.substr(0, end);
  const std::string_view message = text.substr(std::min(end + 1, text.size()));

  std::string whole;
  agw::appendErrorJson(whole, entry.code, message, param);
  const auto parsed = nlohmann::json::parse(whole, nullptr, false);
  require(!parsed.is_discarded(), "the long form is JSON");
  const auto& error = parsed["error"];
  require(error.size() == 4 && error["code"] == entry.name && error["type"] == entry.type,
          "all four keys");
  require(error["param"].is_null() == param.empty(), "an empty param is null");

  std::string buffer(256 + data[1], '\0');
  buffer.resize(agw::writeErrorJson(buffer.data(), buffer.size(), entry.code, message, param));
  require(!buffer.empty() && !nlohmann::json::parse(buffer, nullptr, false).is_discarded(),
          "the bounded form is JSON");
  require(param.size() > 10 || whole.size() > 256 || buffer == whole, "what fits is the same");
  return 0;
}
