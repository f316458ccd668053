#include "protocol/chat_look.h"

#include <string>

#include "base/json_cursor.h"
#include "base/json_text.h"

namespace agw::protocol {
namespace {

// A key without its quotes. Names written with escapes are read too, and noted.
class Name {
 public:
  explicit Name(std::string_view quoted) : name_(quoted.substr(1, quoted.size() - 2)) {
    if (name_.find('\\') == std::string_view::npos) return;
    appendUnescaped(unescaped_, quoted);
    name_ = unescaped_;
  }
  bool is(std::string_view name) const { return name_ == name; }
  bool hasEscapes() const { return !unescaped_.empty(); }

 private:
  std::string_view name_;
  std::string unescaped_;
};

class Looker {
 public:
  explicit Looker(ChatLook& look) : look_(look) {}

  bool top(JsonCursor& cursor) {
    return cursor.object([this](std::string_view key, JsonCursor& here) {
      const Name name(key);
      if (name.is("choices")) return choices(name, here);
      if (name.is("usage")) return known(name, look_.usage, here);
      if (name.is("error")) return known(name, look_.error, here);
      if (name.is("object")) return known(name, look_.object, here);
      std::string_view value;
      if (!here.value(value)) return false;
      if (!name.is("id") && !name.is("created") && !name.is("model")) {
        look_.others.push_back({key, value});
      }
      return true;
    });
  }

  bool deltaObject(std::string_view json, DeltaLook& said) {
    JsonCursor cursor(json);
    return delta(cursor, said);
  }

 private:
  bool known(const Name& name, std::string_view& place, JsonCursor& here) {
    look_.odd = look_.odd || !place.empty() || name.hasEscapes();
    return here.value(place);
  }

  bool choices(const Name& name, JsonCursor& here) {
    look_.odd = look_.odd || !look_.choices.empty() || name.hasEscapes();
    look_.choice.clear();
    look_.others_before_choices = look_.others.size();
    const char kind = here.peek();
    const char* const start = here.at();
    if (kind == '{') {
      look_.odd = true;
      if (!choice(here)) return false;
    } else if (kind != '[') {
      return here.value(look_.choices);
    } else if (!here.array([this](JsonCursor& element) { return choice(element); })) {
      return false;
    }
    look_.choices = {start, static_cast<std::size_t>(here.at() - start)};
    return true;
  }

  bool choice(JsonCursor& here) {
    if (here.peek() != '{') {
      look_.odd = true;
      std::string_view skipped;
      return here.value(skipped);
    }
    const char* const start = here.at();
    ChoiceLook& place = look_.choice.emplace_back();
    const bool good = here.object([&](std::string_view key, JsonCursor& member) {
      const Name name(key);
      if (name.is("delta")) return deltaMember(name, place, member);
      if (name.is("finish_reason")) return known(name, place.finish_reason, member);
      if (name.is("index")) return known(name, place.index, member);
      if (name.is("logprobs")) return known(name, place.logprobs, member);
      if (name.is("message")) return known(name, place.message, member);
      if (name.is("text")) return known(name, place.text, member);
      if (name.is("error")) return known(name, place.error, member);
      std::string_view value;
      if (!member.value(value)) return false;
      place.others.push_back({key, value});
      return true;
    });
    if (!good) return false;
    place.raw = {start, static_cast<std::size_t>(here.at() - start)};
    if (isObject(place.delta)) {
      if (!place.message.empty()) place.others.push_back({R"("message")", place.message});
      if (!place.text.empty()) place.others.push_back({R"("text")", place.text});
      return true;
    }
    return !isObject(place.message) || deltaObject(place.message, place.said);
  }

  bool deltaMember(const Name& name, ChoiceLook& place, JsonCursor& here) {
    if (here.peek() != '{') return known(name, place.delta, here);
    look_.odd = look_.odd || !place.delta.empty() || name.hasEscapes();
    const char* const start = here.at();
    place.said = {};
    if (!delta(here, place.said)) return false;
    place.delta = {start, static_cast<std::size_t>(here.at() - start)};
    return true;
  }

  bool delta(JsonCursor& cursor, DeltaLook& said) {
    return cursor.object([&](std::string_view key, JsonCursor& here) {
      const Name name(key);
      if (name.is("content")) return known(name, said.content, here);
      if (name.is("role")) return known(name, said.role, here);
      if (name.is("tool_calls")) return known(name, said.tool_calls, here);
      if (name.is("function_call")) return known(name, said.function_call, here);
      std::string_view value;
      if (!here.value(value)) return false;
      said.others.push_back({key, value});
      return true;
    });
  }

  ChatLook& look_;
};

bool isDigits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

void lookAtFunction(JsonCursor& cursor, CallLook& call) {
  cursor.object([&](std::string_view key, JsonCursor& here) {
    const Name name(key);
    if (name.is("name")) return here.value(call.name);
    if (name.is("arguments")) return here.value(call.arguments);
    std::string_view value;
    if (!here.value(value)) return false;
    call.function_others.push_back({key, value});
    return true;
  });
}

bool lookAtCall(JsonCursor& cursor, CallLook& call) {
  const char* const start = cursor.at();
  if (cursor.peek() != '{') {
    call.odd = true;
    return cursor.value(call.raw);
  }
  std::string_view name_beside;
  std::string_view arguments_beside;
  std::string_view function;
  const bool good = cursor.object([&](std::string_view key, JsonCursor& here) {
    const Name name(key);
    if (name.is("index")) return here.value(call.index);
    if (name.is("id")) return here.value(call.id);
    if (name.is("type")) return here.value(call.type);
    if (name.is("function")) return here.value(function);
    if (name.is("name")) return here.value(name_beside);
    if (name.is("arguments")) return here.value(arguments_beside);
    std::string_view value;
    if (!here.value(value)) return false;
    call.custom = call.custom || (name.is("custom") && isObject(value));
    call.others.push_back({key, value});
    return true;
  });
  if (!good) return false;
  call.raw = {start, static_cast<std::size_t>(cursor.at() - start)};
  if (isObject(function)) {
    call.custom = false;
    JsonCursor inside(function);
    lookAtFunction(inside, call);
  }
  if (!name_beside.empty() || !arguments_beside.empty()) {
    call.odd = true;
    if (call.name.empty()) call.name = name_beside;
    if (call.arguments.empty()) call.arguments = arguments_beside;
  }
  return true;
}

}  // namespace

LookFault lookAtChat(std::string_view text, ChatLook& look, std::size_t& size) {
  look.usage = look.error = look.object = look.choices = {};
  look.others.clear();
  look.others_before_choices = 0;
  look.choice.clear();
  look.odd = false;
  JsonCursor cursor(text);
  look.is_object = cursor.peek() == '{';
  bool good = false;
  if (look.is_object) {
    good = Looker(look).top(cursor);
  } else {
    std::string_view skipped;
    good = cursor.value(skipped);
  }
  size = static_cast<std::size_t>(cursor.at() - text.data());
  if (!good) return cursor.isCut() ? LookFault::Cut : LookFault::NoJson;
  look.clean_text = !cursor.hasHalfPair() && !cursor.hasControl() &&
                    (!cursor.hasHighBytes() || isUtf8(text.substr(0, size)));
  return LookFault::None;
}

void lookAtCalls(std::string_view json, CallLooks& calls) {
  JsonCursor cursor(json);
  if (cursor.peek() == '[') {
    cursor.array([&](JsonCursor& element) {
      element.peek();
      return lookAtCall(element, calls.emplace_back());
    });
  } else if (cursor.peek() == '{') {
    CallLook& call = calls.emplace_back();
    lookAtCall(cursor, call);
    call.odd = true;
  }
}

void lookAtFunctionCall(std::string_view json, CallLooks& calls) {
  CallLook& call = calls.emplace_back();
  call.raw = json;
  call.index = "0";  // there is but one
  JsonCursor cursor(json);
  lookAtFunction(cursor, call);
}

std::string stringOf(std::string_view json) {
  if (!isString(json)) return {};
  std::string bytes;
  appendUnescaped(bytes, json);
  return isUtf8(bytes) ? bytes : cleanUtf8(bytes);
}

std::string textOf(std::string_view json) {
  if (isNothing(json)) return {};
  if (isString(json)) return stringOf(json);
  std::string clean;
  appendCleanJson(clean, json);
  return clean;
}

bool isBlank(std::string_view json) {
  if (isNothing(json)) return true;
  return isString(json) &&
         json.substr(1, json.size() - 2).find_first_not_of(" \t") == std::string_view::npos;
}

std::optional<unsigned> numberOf(std::string_view json) {
  if (isString(json)) json = json.substr(1, json.size() - 2);
  if (json.ends_with(".0")) json.remove_suffix(2);
  if (!isDigits(json) || json.size() > 6) return std::nullopt;
  unsigned number = 0;
  for (const char digit : json) number = number * 10 + static_cast<unsigned>(digit - '0');
  return number;
}

}  // namespace agw::protocol
