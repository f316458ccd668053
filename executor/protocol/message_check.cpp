#include "protocol/message_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "protocol/request_fault.h"

namespace agw::protocol {
namespace {

constexpr std::array<std::string_view, 6> kRoles = {"system",    "developer", "user",
                                                    "assistant", "tool",      "function"};

std::string element(const std::string& list, std::size_t index) {
  return list + '[' + std::to_string(index) + ']';
}

// Some servers want the bare address, others take an image by another name and null here.
Result<void> checkImage(const Json& part, const std::string& path) {
  const Json* image = findMember(part, "image_url");
  if (image == nullptr || image->is_string()) return {};
  if (auto checked = checkObject(part, "image_url", path); !checked) return checked;
  return checkString(*image, "url", path + ".image_url");
}

Result<void> checkPart(const Json& part, const std::string& path) {
  if (!part.is_object()) return wrongType(path, "an object");
  if (auto type = needString(part, "type", path); !type) return type;
  const auto& type = part["type"].get_ref<const std::string&>();
  if (type == "text" || type == "refusal") return needString(part, type, path);
  if (type == "image_url") return checkImage(part, path);
  if (type == "input_audio" || type == "file") return checkObject(part, type, path);
  return {};
}

Result<void> checkContent(const Json& message, std::string_view role, const std::string& path) {
  const Json* content = findMember(message, "content");
  const std::string param = path + ".content";
  if (content == nullptr) {
    if (role == "assistant") return {};  // null beside tool_calls is legal
    return missingMember(param);
  }
  if (content->is_string()) return {};
  if (!content->is_array()) return wrongType(param, "a string or an array of content parts");
  for (std::size_t i = 0; i < content->size(); ++i) {
    if (auto part = checkPart((*content)[i], element(param, i)); !part) return part;
  }
  return {};
}

Result<void> checkToolCalls(const Json& message, const std::string& path) {
  if (auto calls = checkArray(message, "tool_calls", path); !calls) return calls;
  const Json* calls = findMember(message, "tool_calls");
  if (calls == nullptr) return {};
  for (std::size_t i = 0; i < calls->size(); ++i) {
    const std::string call = element(path + ".tool_calls", i);
    if (!(*calls)[i].is_object()) return wrongType(call, "an object");
    if (auto id = checkString((*calls)[i], "id", call); !id) return id;
    if (auto function = checkObject((*calls)[i], "function", call); !function) return function;
  }
  return {};
}

Result<void> checkMessage(const Json& message, const std::string& path) {
  if (!message.is_object()) return wrongType(path, "an object");
  if (auto role = needString(message, "role", path); !role) return role;
  const auto& role = message["role"].get_ref<const std::string&>();
  if (std::find(kRoles.begin(), kRoles.end(), role) == kRoles.end()) {
    return wrongValue(path + ".role",
                      "be one of system, developer, user, assistant, tool, function");
  }
  if (auto content = checkContent(message, role, path); !content) return content;
  if (role == "tool") {
    if (auto id = needString(message, "tool_call_id", path); !id) return id;
  }
  if (auto name = checkString(message, "name", path); !name) return name;
  if (auto call = checkObject(message, "function_call", path); !call) return call;
  return checkToolCalls(message, path);
}

}  // namespace

Result<void> checkMessages(const Json& request) {
  const Json* messages = findMember(request, "messages");
  if (messages == nullptr) return missingMember("messages");
  if (!messages->is_array()) return wrongType("messages", "an array of messages");
  if (messages->empty()) return wrongValue("messages", "hold at least one message");
  for (std::size_t i = 0; i < messages->size(); ++i) {
    if (auto checked = checkMessage((*messages)[i], element("messages", i)); !checked) {
      return checked;
    }
  }
  return {};
}

}  // namespace agw::protocol
