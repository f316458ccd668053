#include "reply.h"

#include <algorithm>
#include <ctime>

namespace scripted_llm {
namespace {

constexpr std::size_t kMaxJsonText = 64u * 1024 * 1024;

std::string quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json renderJson(const Json& value, const TemplateValues& values) {
  if (value.is_string()) return Template::parse(value.get<std::string>()).render(values);
  if (!value.is_structured()) return value;
  Json result = value;
  for (auto& member : result) member = renderJson(member, values);
  return result;
}

std::string callId(const ReplyInput& input, std::size_t index) {
  return input.turn.tool_calls[index].id.value_or("call_" + std::to_string(input.exchange) + "_" +
                                                  std::to_string(index));
}

std::string renderArguments(const ToolCall& call, const TemplateValues& values) {
  if (call.arguments_text) return call.arguments_text->render(values);
  return dump(renderJson(call.arguments, values));
}

Json usageOf(const Turn& turn) {
  Json usage = turn.usage.value_or(Json{{"prompt_tokens", 10}, {"completion_tokens", 5}});
  if (usage.is_object() && !usage.contains("total_tokens")) {
    usage["total_tokens"] = usage.value("prompt_tokens", std::int64_t{0}) +
                            usage.value("completion_tokens", std::int64_t{0});
  }
  return usage;
}

bool isContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

std::vector<std::string> cutBySize(const std::string& text, std::size_t size) {
  std::vector<std::string> pieces;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = std::min(text.size(), begin + size);
    while (end < text.size() && isContinuation(text[end])) ++end;
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

std::vector<std::string> cutByWords(const std::string& text) {
  std::vector<std::string> pieces;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto space = text.find(' ', begin);
    const std::size_t end = space == std::string::npos ? text.size() : space + 1;
    pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return pieces;
}

// One text of the whole turn, for a JSON body.
std::optional<std::string> wholeText(const Turn& turn, TemplateValues values) {
  std::string result;
  for (std::uint64_t n = 1; n <= turn.repeat; ++n) {
    values.n = n;
    if (turn.fragments.kind == Fragments::Kind::List) {
      for (const Template& piece : turn.fragments.list) result += piece.render(values);
    } else {
      result += turn.text->render(values);
    }
    if (result.size() > kMaxJsonText || n > kMaxJsonText) return std::nullopt;
  }
  return result;
}

bool hasText(const Turn& turn) { return turn.text || turn.fragments.kind == Fragments::Kind::List; }

}  // namespace

std::vector<std::string> cut(const std::string& text, const Fragments& fragments,
                             const TemplateValues& values) {
  switch (fragments.kind) {
    case Fragments::Kind::Whole:
      break;
    case Fragments::Kind::Size:
      return cutBySize(text, fragments.size);
    case Fragments::Kind::Words:
      return cutByWords(text);
    case Fragments::Kind::List: {
      std::vector<std::string> pieces;
      for (const Template& piece : fragments.list) pieces.push_back(piece.render(values));
      return pieces;
    }
  }
  return {text};
}

std::optional<std::string> completionJson(const ReplyInput& input) {
  const Turn& turn = input.turn;
  const TemplateValues& values = input.request.values;
  Json message = {{"role", "assistant"}, {"content", nullptr}, {"refusal", nullptr}};
  if (hasText(turn)) {
    const auto text = wholeText(turn, values);
    if (!text) return std::nullopt;
    message["content"] = *text;
  }
  if (turn.reasoning) message["reasoning_content"] = turn.reasoning->render(values);
  for (std::size_t i = 0; i < turn.tool_calls.size(); ++i) {
    const ToolCall& call = turn.tool_calls[i];
    message["tool_calls"].push_back(
        {{"id", callId(input, i)},
         {"type", "function"},
         {"function",
          {{"name", call.name.render(values)}, {"arguments", renderArguments(call, values)}}}});
  }
  Json choice = {{"index", 0}, {"message", message}, {"logprobs", nullptr}};
  if (!turn.no_finish) choice["finish_reason"] = turn.finish_reason;
  Json body = {{"id", "chatcmpl-" + std::to_string(input.exchange)},
               {"object", "chat.completion"},
               {"created", std::time(nullptr)},
               {"model", input.request.model},
               {"choices", Json::array({choice})}};
  const Json usage = usageOf(turn);
  if (turn.usage_when != UsageWhen::Never && usage.is_object()) body["usage"] = usage;
  return dump(body);
}

EventSource::EventSource(const ReplyInput& input)
    : values_(input.request.values), repeat_(hasText(input.turn) ? input.turn.repeat : 0) {
  prefix_ =
      "{\"id\":\"chatcmpl-" + std::to_string(input.exchange) +
      "\",\"object\":\"chat.completion.chunk\",\"created\":" + std::to_string(std::time(nullptr)) +
      ",\"model\":" + quoted(input.request.model);
  suffix_ = input.request.include_usage ? ",\"usage\":null}" : "}";
  const bool only_tools = !hasText(input.turn) && !input.turn.tool_calls.empty();
  head_.push_back(chunk(only_tools ? R"({"role":"assistant","content":null})"
                                   : R"({"role":"assistant","content":""})",
                        "null"));
  if (input.turn.reasoning) {
    head_.push_back(chunk(
        "{\"reasoning_content\":" + quoted(input.turn.reasoning->render(values_)) + "}", "null"));
  }
  prepareText(input);
  prepareTools(input);
  prepareEnd(input);
}

void EventSource::prepareText(const ReplyInput& input) {
  const Turn& turn = input.turn;
  if (!hasText(turn)) return;
  std::vector<Template> templates;
  if (turn.fragments.kind == Fragments::Kind::List) {
    templates = turn.fragments.list;
  } else {
    templates.push_back(*turn.text);
  }
  const bool differs = std::any_of(templates.begin(), templates.end(),
                                   [](const Template& piece) { return piece.differsByEvent(); });
  if (differs) {
    pieces_ = std::move(templates);
    return;
  }
  const std::string text = turn.text ? turn.text->render(values_) : std::string();
  for (const std::string& piece : cut(text, turn.fragments, values_)) {
    texts_.push_back(chunk("{\"content\":" + quoted(piece) + "}", "null"));
  }
}

void EventSource::prepareTools(const ReplyInput& input) {
  std::vector<std::vector<std::string>> calls;
  for (std::size_t i = 0; i < input.turn.tool_calls.size(); ++i) {
    const ToolCall& call = input.turn.tool_calls[i];
    const std::string open = "{\"tool_calls\":[{\"index\":" + std::to_string(i);
    std::vector<std::string> events;
    events.push_back(chunk(open + ",\"id\":" + quoted(callId(input, i)) +
                               ",\"type\":\"function\",\"function\":{\"name\":" +
                               quoted(call.name.render(values_)) + ",\"arguments\":\"\"}}]}",
                           "null"));
    for (const std::string& piece : cut(renderArguments(call, values_), call.fragments, values_)) {
      events.push_back(
          chunk(open + ",\"function\":{\"arguments\":" + quoted(piece) + "}}]}", "null"));
    }
    calls.push_back(std::move(events));
  }
  if (!input.turn.interleave) {
    for (auto& events : calls) std::move(events.begin(), events.end(), std::back_inserter(tail_));
    return;
  }
  for (std::size_t i = 0, left = 1; left > 0; ++i) {
    left = 0;
    for (auto& events : calls) {
      if (i >= events.size()) continue;
      tail_.push_back(std::move(events[i]));
      ++left;
    }
  }
}

void EventSource::prepareEnd(const ReplyInput& input) {
  const Turn& turn = input.turn;
  if (!turn.no_finish) tail_.push_back(chunk("{}", quoted(turn.finish_reason)));
  const Json usage = usageOf(turn);
  const bool send_usage = turn.usage_when == UsageWhen::Always ||
                          (turn.usage_when == UsageWhen::Asked && input.request.include_usage);
  if (send_usage && usage.is_object()) {
    tail_.push_back("data: " + prefix_ + ",\"choices\":[],\"usage\":" + dump(usage) + "}\n\n");
  }
  if (!turn.no_done) tail_.push_back("data: [DONE]\n\n");
}

void EventSource::appendChunk(std::string& out, const std::string& delta,
                              const std::string& finish) const {
  out += "data: ";
  out += prefix_;
  out += ",\"choices\":[{\"index\":0,\"delta\":";
  out += delta;
  out += ",\"logprobs\":null,\"finish_reason\":";
  out += finish;
  out += "}]";
  out += suffix_;
  out += "\n\n";
}

std::string EventSource::chunk(const std::string& delta, const std::string& finish) const {
  std::string out;
  appendChunk(out, delta, finish);
  return out;
}

bool EventSource::next(std::string& out) {
  std::uint64_t index = position_++;
  if (index < head_.size()) {
    out += head_[index];
    return true;
  }
  index -= head_.size();
  const std::uint64_t pieces = texts_.size() + pieces_.size();
  if (pieces > 0 && index / pieces < repeat_) {
    if (!texts_.empty()) {
      out += texts_[index % pieces];
    } else {
      values_.n = index / pieces + 1;
      appendChunk(out, "{\"content\":" + quoted(pieces_[index % pieces].render(values_)) + "}",
                  "null");
    }
    return true;
  }
  index -= pieces * repeat_;
  if (index >= tail_.size()) return false;
  out += tail_[index];
  return true;
}

}  // namespace scripted_llm
