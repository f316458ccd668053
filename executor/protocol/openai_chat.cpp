#include "protocol/openai_chat.h"

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/message_check.h"
#include "protocol/option_check.h"
#include "protocol/request_fault.h"
#include "protocol/tool_check.h"
#include "shared/body_scanner.h"

namespace agw::protocol {
namespace {

// The executor gives the same answer as the edge's scanner for the same fault.
Error scanFault(ScanStatus status) {
  const ScanErrorInfo& info = scanError(status);
  return clientError(info.code, std::string(info.message), std::string(info.param));
}

bool isDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// Read as it was written, because a number of more than 64 bits is a fraction to the parser.
Result<void> checkTokenLimits(const ChatRequest& request) {
  for (const auto* key : {"max_tokens", "max_completion_tokens", "max_output_tokens"}) {
    const std::string_view value = request.rawMember(key);
    if (!value.empty() && value != "null" && !isDigits(value)) {
      return wrongType(key, "a whole number in plain digits, or null");
    }
  }
  return {};
}

Result<void> checkUser(const Json& document) {
  const Json* user = findMember(document, "user");
  if (user != nullptr && !user->is_string()) return scanFault(ScanStatus::UserNotString);
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
  if (const Json* stream = findMember(document, "stream"); stream != nullptr) {
    if (!stream->is_boolean()) return scanFault(ScanStatus::StreamNotBool);
    request.stream = stream->get<bool>();
  }
  const Json* options = findMember(document, "stream_options");
  if (options == nullptr) return {};
  if (!options->is_object()) return wrongType("stream_options", "an object");
  if (!request.stream) {
    return clientError(ErrorCode::InvalidValue,
                       "\"stream_options\" is only allowed together with \"stream\": true.",
                       "stream_options");
  }
  for (const auto* key : {"include_usage", "include_obfuscation"}) {
    const Json* value = findMember(*options, key);
    if (value != nullptr && !value->is_boolean()) {
      return wrongType("stream_options." + std::string(key), "true or false");
    }
  }
  const Json* usage = findMember(*options, "include_usage");
  request.include_usage = usage != nullptr && usage->get<bool>();
  return {};
}

Result<void> readChoices(const Json& document, ChatRequest& request) {
  const Json* n = findMember(document, "n");
  if (n == nullptr) return {};
  if (!n->is_number_unsigned()) return wrongType("n", "a positive integer");
  const auto count = n->get<std::uint64_t>();
  if (count < 1 || count > 128) {
    return clientError(ErrorCode::InvalidValue, "\"n\" must be between 1 and 128.", "n");
  }
  request.choices = static_cast<unsigned>(count);
  return {};
}

Result<void> readTools(const Json& document, ChatRequest& request) {
  const Json* tools = findMember(document, "tools");
  if (tools == nullptr) return {};
  if (!tools->is_array()) return wrongType("tools", "an array");
  const auto raw = splitArray(request.rawMember("tools"));
  std::set<std::string> names;
  for (std::size_t i = 0; i < tools->size(); ++i) {
    const std::string path = "tools[" + std::to_string(i) + "]";
    Result<std::string> name = readToolName((*tools)[i], path);
    if (!name) return name.error();
    if (!name->empty() && !names.insert(*name).second) {
      return clientError(ErrorCode::InvalidValue,
                         "The tool \"" + excerpt(*name) + "\" is sent twice.",
                         path + ".function.name");
    }
    request.tools.push_back({std::move(*name), raw[i]});
  }
  return {};
}

Result<void> checkUnique(const std::vector<RawMember>& members) {
  std::set<std::string_view> seen;
  for (const RawMember& member : members) {
    if (!seen.insert(member.key).second) {
      return clientError(
          ErrorCode::DuplicateKey,
          "The key \"" + excerpt(member.key) + "\" stands twice in the request body; send it once.",
          excerpt(member.key));
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
  if (auto checked = checkTokenLimits(*request); !checked) return checked.error();
  if (auto checked = checkUser(*document); !checked) return checked.error();
  if (auto checked = checkMessages(*document); !checked) return checked.error();
  if (auto checked = checkOptions(*document); !checked) return checked.error();
  if (auto read = readChoices(*document, *request); !read) return read.error();
  if (auto read = readTools(*document, *request); !read) return read.error();
  if (auto checked = checkToolChoice(*document); !checked) return checked.error();
  request->messages = splitArray(request->rawMember("messages"));
  request->tool_choice = request->rawMember("tool_choice");
  if (request->tool_choice == "null") request->tool_choice = {};
  return request;
}

std::string_view ChatRequest::rawMember(std::string_view key) const {
  for (const RawMember& member : members) {
    if (member.key == key) return member.value;
  }
  return {};
}

void ChatRequest::forgetText() {
  // Swapped, because an assignment keeps the capacity.
  std::vector<RawMember>().swap(members);
  std::vector<std::string_view>().swap(messages);
  std::vector<ClientTool>().swap(tools);
  tool_choice = {};
  std::string().swap(body);
}

std::string withUsageAsked(std::string_view stream_options) {
  const std::vector<RawMember> members = splitObject(stream_options);
  if (members.empty()) return R"({"include_usage":true})";
  std::string out;
  std::size_t at = 0;
  for (const RawMember& member : members) {
    if (member.key != "include_usage") continue;
    const auto place = static_cast<std::size_t>(member.value.data() - stream_options.data());
    out.append(stream_options.substr(at, place - at)).append("true");
    at = place + member.value.size();
  }
  if (at == 0) return R"({"include_usage":true,)" + std::string(stream_options.substr(1));
  return out.append(stream_options.substr(at));
}

// Edited where it stands: a prompt may be large, and a second copy of it is not needed.
std::string takePlainBody(ChatRequest& request, std::string_view upstream_model) {
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
      edits.push_back({at, member.value.size(), withUsageAsked(member.value)});
      asks_for_usage = true;
    }
  }
  if (!asks_for_usage) {
    edits.push_back({body.rfind('}'), 0, R"(,"stream_options":)" + withUsageAsked({})});
  }
  std::sort(edits.begin(), edits.end(),
            [](const TextEdit& a, const TextEdit& b) { return a.at > b.at; });
  for (const TextEdit& edit : edits) body.replace(edit.at, edit.size, edit.text);  // from the end
  std::string out = std::move(body);
  request.forgetText();
  return out;
}

}  // namespace agw::protocol
