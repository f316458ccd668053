#include "protocol/tool_check.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "protocol/request_fault.h"

namespace agw::protocol {
namespace {

// "any" is what Mistral's servers call "required".
constexpr std::array<std::string_view, 4> kWords = {"none", "auto", "required", "any"};

Result<void> needName(const Json& function, const std::string& path) {
  if (auto name = needString(function, "name", path); !name) return name;
  if (function["name"].get_ref<const std::string&>().empty()) {
    return wrongValue(path + ".name", "not be empty");
  }
  return {};
}

}  // namespace

Result<std::string> readToolName(const Json& tool, const std::string& path) {
  if (!tool.is_object()) return wrongType(path, "an object");
  if (auto type = checkString(tool, "type", path); !type) return type.error();
  const Json* type = findMember(tool, "type");
  const bool is_function = type == nullptr || *type == "function";
  const Json* function = findMember(tool, "function");
  if (function == nullptr && !is_function) return std::string();
  if (auto checked = needObject(tool, "function", path); !checked) return checked.error();
  const std::string inside = path + ".function";
  if (auto name = needName(*function, inside); !name) return name.error();
  if (auto text = checkString(*function, "description", inside); !text) return text.error();
  if (auto schema = checkObject(*function, "parameters", inside); !schema) return schema.error();
  return (*function)["name"].get<std::string>();
}

Result<void> checkToolChoice(const Json& request) {
  const Json* choice = findMember(request, "tool_choice");
  if (choice == nullptr) return {};
  if (choice->is_string()) {
    const auto& word = choice->get_ref<const std::string&>();
    if (std::find(kWords.begin(), kWords.end(), word) != kWords.end()) return {};
    return wrongValue("tool_choice", "be none, auto, required or an object");
  }
  if (!choice->is_object()) return wrongType("tool_choice", "a string or an object");
  if (auto type = needString(*choice, "type", "tool_choice"); !type) return type;
  if ((*choice)["type"] == "function") {
    if (auto function = needObject(*choice, "function", "tool_choice"); !function) return function;
    return needName((*choice)["function"], "tool_choice.function");
  }
  if ((*choice)["type"] != "allowed_tools") return {};
  if (auto tools = needObject(*choice, "allowed_tools", "tool_choice"); !tools) return tools;
  const Json& allowed = (*choice)["allowed_tools"];
  const std::string path = "tool_choice.allowed_tools";
  if (auto mode = checkString(allowed, "mode", path); !mode) return mode;
  return checkArray(allowed, "tools", path);
}

}  // namespace agw::protocol
