// Puts an answer together that came in pieces, for clients that did not ask for a stream.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/run_events.h"
#include "protocol/openai_answer.h"

namespace agw::api {

namespace net = boost::asio;

class MessageCollector final : public agent::RunSink {
 public:
  static constexpr std::size_t kMaxBytes = 32 << 20;

  net::awaitable<Result<void>> onContent(std::string_view text,
                                         const std::vector<RawMember>& extras) override;
  // Same, for callers that are no run.
  Result<void> add(std::string_view text, const std::vector<RawMember>& extras);

  protocol::FinalMessage take(std::string finish_reason,
                              std::vector<protocol::ToolCallCollector::Call> tool_calls);

 private:
  protocol::FinalMessage message_;
  std::size_t bytes_ = 0;

  void addExtra(const RawMember& extra);
};

}  // namespace agw::api
