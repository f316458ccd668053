// What a chat completion request asks, as far as the double looks at it.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <variant>

#include <nlohmann/json.hpp>

#include "template.h"

namespace scripted_llm {

struct ChatRequest {
  std::string model;
  bool stream = false;
  bool include_usage = false;
  TemplateValues values;
  std::set<std::string> tools;     // names of the functions offered
  std::size_t turn = 0;            // assistant messages after the last user message
  std::string conversation_error;  // not empty: OpenAI would refuse the order of the messages
};

struct RequestError {
  std::string message;
  std::string param;
};

std::variant<ChatRequest, RequestError> readChatRequest(const nlohmann::json& body);

}  // namespace scripted_llm
