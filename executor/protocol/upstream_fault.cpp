#include "protocol/upstream_fault.h"

#include <string>

#include "base/json_cursor.h"
#include "base/json_text.h"

namespace agw::protocol {
namespace {

constexpr std::size_t kMaxShown = 512;

Error upstreamSaid(std::string text) {
  if (text.size() > kMaxShown) {
    std::size_t keep = kMaxShown;
    while (keep > 0 && (static_cast<unsigned char>(text[keep]) & 0xC0) == 0x80) --keep;
    text.resize(keep);
  }
  return upstreamError(ErrorCode::UpstreamError, "The upstream reported an error.",
                       std::move(text));
}

// The "message" of an object, else all of it.
std::string messageOf(std::string_view json) {
  if (!isObject(json)) return textOf(json);
  std::string_view message;
  JsonCursor cursor(json);
  cursor.object([&](std::string_view key, JsonCursor& here) {
    std::string_view value;
    if (!here.value(value)) return false;
    if (key == R"("message")" && hasText(value)) message = value;
    return true;
  });
  return textOf(message.empty() ? json : message);
}

bool isEmptyObject(std::string_view json) {
  return isObject(json) && json.find_first_not_of(" \t\r\n", 1) == json.size() - 1;
}

bool isFault(std::string_view error) { return hasText(error) && error != "false"; }

}  // namespace

std::optional<Error> faultIn(const ChatLook& look) {
  if (isFault(look.error) && (look.choice.empty() || !isEmptyObject(look.error))) {
    return upstreamSaid(messageOf(look.error));
  }
  if (look.object == R"("error")") {
    for (const MemberLook& member : look.others) {
      if (member.key == R"("message")") return upstreamSaid(textOf(member.value));
    }
    return upstreamSaid({});
  }
  for (const ChoiceLook& choice : look.choice) {
    if (isFault(choice.error) && !isEmptyObject(choice.error)) {
      return upstreamSaid(messageOf(choice.error));
    }
  }
  return std::nullopt;
}

Error faultEvent(std::string_view text) {
  ChatLook look;
  std::size_t size = 0;
  if (lookAtChat(text, look, size) != LookFault::None) return upstreamSaid(cleanUtf8(text));
  if (std::optional<Error> fault = faultIn(look)) return std::move(*fault);
  return upstreamSaid(messageOf(text.substr(0, size)));
}

}  // namespace agw::protocol
