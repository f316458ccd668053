#include "protocol/openai_chat.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "shared/body_scanner.h"

namespace agw::protocol {
namespace {

constexpr std::array<std::string_view, 6> kRoles = {"system",    "developer", "user",
                                                    "assistant", "tool",      "function"};

// The executor gives the same answer as the edge's scanner for the same fault.
Error scanFault(ScanStatus status) {
  const ScanErrorInfo& info = scanError(status);
  return clientError(info.code, std::string(info.message), std::string(info.param));
}

Error wrongType(std::string param, std::string_view expected) {
  std::string message = "\"" + param + "\" must be " + std::string(expected) + ".";
  return clientError(ErrorCode::InvalidType, std::move(message), std::move(param));
}

const Json* find(const Json& object, std::string_view key) {
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

Result<void> checkContent(const Json& message, std::string_view role, const std::string& path) {
  const Json* content = find(message, "content");
  const std::string param = path + ".content";
  if (content == nullptr) {
    if (role == "assistant") return {};  // null beside tool_calls is legal
    return clientError(ErrorCode::MissingParameter, "\"" + param + "\" is missing.", param);
  }
  if (content->is_string()) return {};
  if (!content->is_array()) return wrongType(param, "a string or an array of content parts");
  for (std::size_t i = 0; i < content->size(); ++i) {
    const std::string part = param + "[" + std::to_string(i) + "]";
    const Json& element = (*content)[i];
    if (!element.is_object()) return wrongType(part, "an object");
    const Json* type = find(element, "type");
    if (type == nullptr) {
      return clientError(ErrorCode::MissingParameter, "\"" + part + ".type\" is missing.",
                         part + ".type");
    }
    if (!type->is_string()) return wrongType(part + ".type", "a string");
  }
  return {};
}

Result<void> checkMessage(const Json& message, std::size_t index) {
  const std::string path = "messages[" + std::to_string(index) + "]";
  if (!message.is_object()) return wrongType(path, "an object");
  const Json* role = find(message, "role");
  if (role == nullptr) {
    return clientError(ErrorCode::MissingParameter, "\"" + path + ".role\" is missing.",
                       path + ".role");
  }
  if (!role->is_string()) return wrongType(path + ".role", "a string");
  const auto& name = role->get_ref<const std::string&>();
  if (std::find(kRoles.begin(), kRoles.end(), name) == kRoles.end()) {
    return clientError(
        ErrorCode::InvalidValue,
        "\"" + path + ".role\" must be one of system, developer, user, assistant, tool, function.",
        path + ".role");
  }
  if (auto checked = checkContent(message, name, path); !checked) return checked;
  if (name == "tool") {
    const Json* id = find(message, "tool_call_id");
    if (id == nullptr) {
      return clientError(ErrorCode::MissingParameter, "\"" + path + ".tool_call_id\" is missing.",
                         path + ".tool_call_id");
    }
    if (!id->is_string()) return wrongType(path + ".tool_call_id", "a string");
  }
  const Json* calls = find(message, "tool_calls");
  if (calls != nullptr && !calls->is_array()) return wrongType(path + ".tool_calls", "an array");
  return {};
}

Result<void> checkMessages(const Json& document) {
  const Json* messages = find(document, "messages");
  if (messages == nullptr) {
    return clientError(ErrorCode::MissingParameter, "\"messages\" is missing.", "messages");
  }
  if (!messages->is_array()) return wrongType("messages", "an array of messages");
  if (messages->empty()) {
    return clientError(ErrorCode::InvalidValue, "\"messages\" must hold at least one message.",
                       "messages");
  }
  for (std::size_t i = 0; i < messages->size(); ++i) {
    if (auto checked = checkMessage((*messages)[i], i); !checked) return checked;
  }
  return {};
}

Result<void> checkScalars(const Json& document) {
  for (const auto* key : {"max_tokens", "max_completion_tokens", "max_output_tokens"}) {
    const Json* value = find(document, key);
    if (value != nullptr && !value->is_number_unsigned()) {
      return wrongType(key, "a whole number in plain digits, or null");
    }
  }
  if (const Json* user = find(document, "user"); user != nullptr && !user->is_string()) {
    return scanFault(ScanStatus::UserNotString);
  }
  for (const auto* key : {"temperature", "top_p", "presence_penalty", "frequency_penalty"}) {
    const Json* value = find(document, key);
    if (value != nullptr && !value->is_number()) return wrongType(key, "a number");
  }
  for (const auto* key : {"parallel_tool_calls", "logprobs", "store"}) {
    const Json* value = find(document, key);
    if (value != nullptr && !value->is_boolean()) return wrongType(key, "true or false");
  }
  return {};
}

Result<void> readModel(const Json& document, ChatRequest& request) {
  const auto model = document.find("model");
  if (model == document.end()) return scanFault(ScanStatus::ModelMissing);
  if (!model->is_string()) return scanFault(ScanStatus::ModelNotString);
  request.model = model->get<std::string>();
  const auto id = canonicalModelId(request.model);
  if (!id) return scanFault(ScanStatus::ModelInvalid);
  request.model_id = *id;
  return {};
}

Result<void> readStreaming(const Json& document, ChatRequest& request) {
  if (const Json* stream = find(document, "stream"); stream != nullptr) {
    if (!stream->is_boolean()) return scanFault(ScanStatus::StreamNotBool);
    request.stream = stream->get<bool>();
  }
  const Json* options = find(document, "stream_options");
  if (options == nullptr) return {};
  if (!options->is_object()) return wrongType("stream_options", "an object");
  if (!request.stream) {
    return clientError(ErrorCode::InvalidValue,
                       "\"stream_options\" is only allowed together with \"stream\": true.",
                       "stream_options");
  }
  if (const Json* usage = find(*options, "include_usage"); usage != nullptr) {
    if (!usage->is_boolean()) return wrongType("stream_options.include_usage", "true or false");
    request.include_usage = usage->get<bool>();
  }
  return {};
}

Result<void> readChoices(const Json& document, ChatRequest& request) {
  const Json* n = find(document, "n");
  if (n == nullptr) return {};
  if (!n->is_number_unsigned()) return wrongType("n", "a positive integer");
  const auto count = n->get<std::uint64_t>();
  if (count < 1 || count > 128) {
    return clientError(ErrorCode::InvalidValue, "\"n\" must be between 1 and 128.", "n");
  }
  request.choices = static_cast<unsigned>(count);
  return {};
}

Result<void> readTools(const Json& document, std::string_view raw_tools, ChatRequest& request) {
  const Json* tools = find(document, "tools");
  if (tools == nullptr) return {};
  if (!tools->is_array()) return wrongType("tools", "an array");
  const auto raw = splitArray(raw_tools);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < tools->size(); ++i) {
    const std::string path = "tools[" + std::to_string(i) + "]";
    const Json& tool = (*tools)[i];
    if (!tool.is_object()) return wrongType(path, "an object");
    const Json* function = find(tool, "function");
    if (function == nullptr) {  // "custom" and future kinds: passed on, never ours
      request.tools.push_back({"", raw[i]});
      continue;
    }
    if (!function->is_object()) return wrongType(path + ".function", "an object");
    const Json* name = find(*function, "name");
    if (name == nullptr) {
      return clientError(ErrorCode::MissingParameter, "\"" + path + ".function.name\" is missing.",
                         path + ".function.name");
    }
    if (!name->is_string()) return wrongType(path + ".function.name", "a string");
    request.tools.push_back({name->get<std::string>(), raw[i]});
  }
  for (const ClientTool& tool : request.tools) {
    if (!tool.name.empty() && !names.insert(tool.name).second) {
      return clientError(ErrorCode::InvalidValue, "The tool \"" + tool.name + "\" is sent twice.",
                         "tools");
    }
  }
  return {};
}

std::string_view rawMember(const ChatRequest& request, std::string_view key) {
  for (const RawMember& member : request.members) {
    if (member.key == key) return member.value;
  }
  return {};
}

Result<void> checkUnique(const std::vector<RawMember>& members) {
  std::set<std::string_view> seen;
  for (const RawMember& member : members) {
    if (!seen.insert(member.key).second) {
      return clientError(
          ErrorCode::DuplicateKey,
          "The key \"" + member.key + "\" stands twice in the request body; send it once.",
          member.key);
    }
  }
  return {};
}

struct TextEdit {
  std::size_t at;
  std::size_t size;  // of what is replaced
  std::string text;
};

}  // namespace

Result<std::unique_ptr<ChatRequest>> parseChatRequest(std::string body) {
  if (body.empty()) return scanFault(ScanStatus::Empty);
  auto request = std::make_unique<ChatRequest>();
  request->body = std::move(body);
  Result<Json> document = parseJson(request->body);
  if (!document) return document.error();
  if (!document->is_object()) return scanFault(ScanStatus::NotAnObject);
  request->members = splitObject(request->body);
  if (auto unique = checkUnique(request->members); !unique) return unique.error();
  if (auto read = readModel(*document, *request); !read) return read.error();
  if (auto read = readStreaming(*document, *request); !read) return read.error();
  if (auto checked = checkScalars(*document); !checked) return checked.error();
  if (auto checked = checkMessages(*document); !checked) return checked.error();
  if (auto read = readChoices(*document, *request); !read) return read.error();
  if (auto read = readTools(*document, rawMember(*request, "tools"), *request); !read) {
    return read.error();
  }
  request->messages = splitArray(rawMember(*request, "messages"));
  request->tool_choice = rawMember(*request, "tool_choice");
  if (request->tool_choice == "null") request->tool_choice = {};
  return request;
}

void ChatRequest::forgetText() {
  // Swapped, because an assignment keeps the capacity.
  std::vector<RawMember>().swap(members);
  std::vector<std::string_view>().swap(messages);
  std::vector<ClientTool>().swap(tools);
  tool_choice = {};
  std::string().swap(body);
}

// Edited where it stands: a prompt may be large, and a second copy of it is not needed.
std::string takePlainBody(ChatRequest& request, std::string_view upstream_model) {
  constexpr std::string_view kUsage = R"({"include_usage":true})";
  std::string& body = request.body;
  std::vector<TextEdit> edits;
  bool asks_for_usage = !request.stream;
  for (const RawMember& member : request.members) {
    const auto at = static_cast<std::size_t>(member.value.data() - body.data());
    if (member.key == "model") {
      std::string model;
      appendJsonString(model, upstream_model);
      edits.push_back({at, member.value.size(), std::move(model)});
    } else if (member.key == "stream_options" && request.stream) {
      edits.push_back({at, member.value.size(), std::string(kUsage)});
      asks_for_usage = true;
    }
  }
  if (!asks_for_usage) {
    edits.push_back({body.rfind('}'), 0, R"(,"stream_options":)" + std::string(kUsage)});
  }
  std::sort(edits.begin(), edits.end(),
            [](const TextEdit& a, const TextEdit& b) { return a.at > b.at; });
  for (const TextEdit& edit : edits) body.replace(edit.at, edit.size, edit.text);  // from the end
  std::string out = std::move(body);
  request.forgetText();
  return out;
}

}  // namespace agw::protocol
