#include "api/message_collector.h"

#include <utility>

namespace agw::api {

net::awaitable<Result<void>> MessageCollector::onContent(std::string_view text,
                                                         const std::vector<RawMember>& extras) {
  co_return add(text, extras);
}

Result<void> MessageCollector::add(std::string_view text, const std::vector<RawMember>& extras) {
  bytes_ += text.size();
  for (const RawMember& extra : extras) bytes_ += extra.value.size();
  if (bytes_ > kMaxBytes) {
    return upstreamError(ErrorCode::UpstreamInvalidResponse, "The answer is too large.");
  }
  message_.content.append(text);
  for (const RawMember& extra : extras) addExtra(extra);
  return {};
}

// Pieces of a string member are one string; of any other value the last one counts.
void MessageCollector::addExtra(const RawMember& extra) {
  for (auto& [name, value] : message_.extras) {
    if (name != extra.key) continue;
    const bool strings = value.front() == '"' && extra.value.front() == '"';
    if (strings) {
      value.pop_back();
      value.append(extra.value.substr(1));
    } else {
      value = std::string(extra.value);
    }
    return;
  }
  message_.extras.emplace_back(extra.key, std::string(extra.value));
}

protocol::FinalMessage MessageCollector::take(
    std::string finish_reason, std::vector<protocol::ToolCallCollector::Call> tool_calls) {
  message_.has_content = !message_.content.empty() || tool_calls.empty();
  message_.finish_reason = std::move(finish_reason);
  message_.tool_calls = std::move(tool_calls);
  return std::move(message_);
}

}  // namespace agw::api
