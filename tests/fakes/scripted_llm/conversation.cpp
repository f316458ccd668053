#include "conversation.h"

#include <set>

namespace scripted_llm {
namespace {

using nlohmann::json;

std::string stringMember(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// The text of a message's content: a string, or the text parts of a list.
std::string contentText(const json& message) {
  const auto content = message.find("content");
  if (content == message.end()) return {};
  if (content->is_string()) return content->get<std::string>();
  std::string text;
  if (content->is_array()) {
    for (const json& part : *content) {
      if (part.is_object()) text += stringMember(part, "text");
    }
  }
  return text;
}

// OpenAI's rule: the calls of an assistant message are answered by the tool messages right after
// it, each call once, and a tool message answers nothing else. Empty: kept.
std::string checkToolOrder(const json& messages) {
  std::set<std::string> open;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const json& message = messages[i];
    const std::string role = stringMember(message, "role");
    const std::string place = "messages[" + std::to_string(i) + "]";
    if (role == "tool") {
      if (open.erase(stringMember(message, "tool_call_id")) == 0) {
        return place +
               ": a tool message must answer a tool call of the assistant message before it";
      }
      continue;
    }
    if (!open.empty()) {
      return place + ": the tool call " + *open.begin() + " of the message before has no answer";
    }
    const auto calls = message.find("tool_calls");
    if (role != "assistant" || calls == message.end() || !calls->is_array()) continue;
    for (const json& call : *calls) {
      if (!call.is_object() || !open.insert(stringMember(call, "id")).second) {
        return place + ": the ids of tool calls must differ";
      }
    }
  }
  return open.empty() ? "" : "the tool call " + *open.begin() + " has no answer";
}

void readMessages(const json& messages, ChatRequest& request) {
  for (const json& message : messages) {
    const std::string role = stringMember(message, "role");
    TemplateValues& values = request.values;
    if (role == "user") {
      values.last_user = contentText(message);
      values.tool_results.clear();
      request.turn = 0;
    } else if (role == "assistant") {
      ++request.turn;
    } else if (role == "tool") {
      values.tool_result = contentText(message);
      if (!values.tool_results.empty()) values.tool_results += "; ";
      values.tool_results += values.tool_result;
    } else if ((role == "system" || role == "developer") && values.system.empty()) {
      values.system = contentText(message);
    }
  }
}

void readTools(const json& body, ChatRequest& request) {
  const auto tools = body.find("tools");
  if (tools == body.end() || !tools->is_array()) return;
  for (const json& tool : *tools) {
    const auto function = tool.is_object() ? tool.find("function") : tool.end();
    if (tool.is_object() && function != tool.end() && function->is_object()) {
      request.tools.insert(stringMember(*function, "name"));
    }
  }
}

bool flagMember(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_boolean() && found->get<bool>();
}

}  // namespace

std::variant<ChatRequest, RequestError> readChatRequest(const json& body) {
  if (!body.is_object()) return RequestError{"the body must be a JSON object", ""};
  ChatRequest request;
  request.model = stringMember(body, "model");
  if (request.model.empty()) return RequestError{"you must provide a model", "model"};
  const auto messages = body.find("messages");
  if (messages == body.end() || !messages->is_array() || messages->empty()) {
    return RequestError{"messages must be a list of at least one message", "messages"};
  }
  for (const json& message : *messages) {
    if (!message.is_object() || stringMember(message, "role").empty()) {
      return RequestError{"each message must be an object with a role", "messages"};
    }
  }
  request.stream = flagMember(body, "stream");
  if (const auto options = body.find("stream_options");
      options != body.end() && options->is_object()) {
    if (!request.stream) {
      return RequestError{"stream_options is only allowed when stream is true", "stream_options"};
    }
    request.include_usage = flagMember(*options, "include_usage");
  }
  request.values.model = request.model;
  readMessages(*messages, request);
  readTools(body, request);
  request.conversation_error = checkToolOrder(*messages);
  return request;
}

}  // namespace scripted_llm
