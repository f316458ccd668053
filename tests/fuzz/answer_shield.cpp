// AnswerShield: however the bytes are cut, what comes out is the same, ends once, and is clean
// JSON. The first three bytes of the input choose the cuts, what was asked for, the content type
// and how the body ends.
#include "protocol/answer_shield.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json_reader.h"
#include "base/json_text.h"
#include "require.h"

namespace {

using agw::protocol::AnswerShield;
using agw::protocol::ChatChunk;

constexpr std::string_view kTypes[] = {"text/event-stream", "application/json", ""};

unsigned made = 0;
std::string nextId() { return "call_made" + std::to_string(++made); }

struct Setting {
  bool stream = false;
  std::string_view type;
  bool breaks = false;
  bool tools_only = false;
};

struct Outcome {
  std::vector<std::string> given;
  std::string end;  // "" for a proper end, else the error's code
};

// Finish reasons come once a choice, calls are numbered without gaps and named once.
class Checks {
 public:
  explicit Checks(bool stream) : stream_(stream) {}

  void take(const ChatChunk& chunk) {
    for (const auto& choice : chunk.choices) {
      requireUtf8(choice.content);
      if (!choice.finish_reason.empty()) {
        require(finished_.insert(choice.index).second, "one finish reason a choice");
      }
      for (const auto& part : choice.tool_calls) takePart(choice.index, part);
    }
    if (chunk.usage) require(!std::exchange(usage_, true), "usage once");
    if (chunk.rest.empty()) return;
    requireJson("{\"id\":0" + std::string(chunk.rest));
    if (stream_) require(chunk.rest.find_first_of("\r\n") == std::string_view::npos, "one line");
  }

 private:
  // By a parser of its own, which also takes numbers that no double holds.
  static void requireJson(const std::string& text) {
    require(agw::isUtf8(text), "a chunk is UTF-8: " + text);
    require(nlohmann::json::accept(withoutLargeNumbers(text)), "a chunk is JSON: " + text);
  }

  static std::string withoutLargeNumbers(std::string_view text) {
    std::string out;
    std::size_t digits = 0;  // of the run that ends here
    bool exponent = false;
    for (const char c : text) {
      const bool digit = isDigit(c);
      const bool sign = exponent && digits == 0 && (c == '+' || c == '-');
      if (!digit && !sign) exponent = (c == 'e' || c == 'E') && digits > 0;
      digits = digit ? digits + 1 : 0;
      if (digits < 16) out += digit && exponent ? '0' : c;
    }
    return out;
  }

  static bool isDigit(char c) { return c >= '0' && c <= '9'; }

  static void requireUtf8(std::string_view text) { require(agw::isUtf8(text), "content is UTF-8"); }

  void takePart(unsigned choice, const agw::protocol::ToolCallPart& part) {
    std::size_t& open = calls_[choice];
    require(part.index <= open, "no gap in the numbers of calls");
    require((part.index == open) == !part.id.empty(), "an id with the first part only");
    if (part.index == open) ++open;
  }

  bool stream_;
  std::set<unsigned> finished_;
  std::map<unsigned, std::size_t> calls_;
  bool usage_ = false;
};

Outcome run(std::string_view bytes, const Setting& setting, std::size_t first, std::size_t step) {
  made = 0;
  AnswerShield shield(
      {setting.stream, std::string(setting.type), "", {&nextId, setting.tools_only}});
  Checks checks(setting.stream);
  Outcome out;
  std::size_t piece = first;
  bool ended = false;
  for (;;) {
    const auto chunk = shield.next();
    if (!chunk) {
      out.end = errorEntry(chunk.error().code).name;
      break;
    }
    if (*chunk) {
      checks.take(**chunk);
      out.given.emplace_back((*chunk)->rest);
    } else if (shield.isOver()) {
      break;
    } else if (!bytes.empty()) {
      shield.feed(bytes.substr(0, piece));
      bytes.remove_prefix(std::min(piece, bytes.size()));
      piece = step;
    } else {
      require(!std::exchange(ended, true), "an end after the end of the body");
      if (setting.breaks) {
        shield.broken(agw::upstreamError(agw::ErrorCode::UpstreamTimeout, "silence"));
      } else {
        shield.end();
      }
    }
  }
  shield.feed("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"late\"}}]}\n\n");
  const auto again = shield.next();
  require(again ? !*again && out.end.empty() : !out.end.empty(), "one end");
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const Setting setting{(data[0] & 1) != 0, kTypes[(data[0] >> 1) % 3], (data[0] & 8) != 0,
                        (data[0] & 16) != 0};
  const std::size_t first = data[1] + 1u;
  const std::size_t step = data[2] % 16 + 1u;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 3, size - 3);
  const Outcome whole = run(bytes, setting, bytes.size() + 1, 1);
  const Outcome cut = run(bytes, setting, first, step);
  require(whole.end == cut.end, "the same end for all cuts");
  require(whole.given == cut.given, "the same chunks for all cuts");
  return 0;
}
