#include "protocol/usage_reader.h"

#include <charconv>

#include "base/json_cursor.h"
#include "protocol/chat_look.h"
#include "protocol/choice_writer.h"

namespace agw::protocol {
namespace {

constexpr std::int64_t kMaxTokens = 1'000'000'000'000;

std::optional<std::int64_t> count(std::string_view json) {
  const bool has_fraction = json.ends_with(".0");
  if (has_fraction) json.remove_suffix(2);
  std::int64_t tokens = 0;
  const auto [end, fault] = std::from_chars(json.data(), json.data() + json.size(), tokens);
  if (fault != std::errc() || end != json.data() + json.size()) return std::nullopt;
  if (tokens < 0 || tokens > kMaxTokens) return std::nullopt;
  return tokens;
}

struct Counts {
  std::string_view prompt;
  std::string_view completion;
  std::string_view total;
  std::string_view input;  // the same under other names
  std::string_view output;
  MemberLooks others;
};

Counts look(std::string_view json) {
  Counts counts;
  JsonCursor cursor(json);
  cursor.object([&](std::string_view key, JsonCursor& here) {
    if (key == R"("prompt_tokens")") return here.value(counts.prompt);
    if (key == R"("completion_tokens")") return here.value(counts.completion);
    if (key == R"("total_tokens")") return here.value(counts.total);
    if (key == R"("input_tokens")") return here.value(counts.input);
    if (key == R"("output_tokens")") return here.value(counts.output);
    std::string_view value;
    if (!here.value(value)) return false;
    counts.others.push_back({key, value});
    return true;
  });
  return counts;
}

}  // namespace

std::optional<Usage> readUsage(std::string_view json) {
  if (!isObject(json)) return std::nullopt;
  const Counts counts = look(json);
  const auto prompt = count(counts.prompt.empty() ? counts.input : counts.prompt);
  if (!prompt) return std::nullopt;
  const auto completion = count(counts.completion.empty() ? counts.output : counts.completion);
  const std::int64_t answered = completion.value_or(0);
  return Usage{*prompt, answered, *prompt + answered};
}

std::string cleanUsage(std::string_view json, const Usage& usage) {
  const Counts counts = look(json);
  const auto isCount = [](std::string_view text, std::int64_t value) {
    return text == std::to_string(value);
  };
  if (isCount(counts.prompt, usage.prompt_tokens) &&
      isCount(counts.completion, usage.completion_tokens) && count(counts.total)) {
    return std::string(json);
  }
  std::string out = formatUsage(usage);
  out.pop_back();
  for (const MemberLook& member : counts.others) appendMember(out, member, true);
  return out + '}';
}

}  // namespace agw::protocol
