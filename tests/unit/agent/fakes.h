// Scripted upstreams and tools for run loop tests.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/run_events.h"
#include "protocol/answer_shield.h"
#include "tool/tool.h"
#include "upstream/chat_backend.h"

namespace agw::test {

namespace net = boost::asio;

// One answer: chunks as JSON, then an error or the end.
struct ScriptedAnswer {
  std::vector<std::string> chunks;
  std::optional<Error> open_error;
  std::optional<Error> end_error;
};

class ScriptedBackend final : public upstream::ChatBackend {
 public:
  explicit ScriptedBackend(std::vector<ScriptedAnswer> answers)
      : answers_(answers.begin(), answers.end()) {}

  net::awaitable<Result<std::unique_ptr<upstream::ChatAnswer>>> open(
      upstream::ChatCall call) override {
    calls.push_back(std::move(call));
    if (answers_.empty()) {
      co_return gatewayError(ErrorCode::InternalError, "the script has no further answer");
    }
    ScriptedAnswer answer = std::move(answers_.front());
    answers_.pop_front();
    if (answer.open_error) co_return *answer.open_error;
    co_return std::make_unique<Answer>(std::move(answer), calls.back().stream);
  }

  std::vector<upstream::ChatCall> calls;

 private:
  class Answer final : public upstream::ChatAnswer {
   public:
    Answer(ScriptedAnswer script, bool stream)
        : script_(std::move(script)), shield_({stream, "text/event-stream", ""}) {}
    net::awaitable<Result<std::optional<protocol::ChatChunk>>> next() override {
      for (;;) {
        auto chunk = shield_.next();
        if (!chunk || *chunk || shield_.isOver()) co_return chunk;
        if (next_ < script_.chunks.size()) {
          shield_.feed("data: " + script_.chunks[next_++] + "\n\n");
        } else if (script_.end_error) {
          shield_.broken(*script_.end_error);
        } else {
          shield_.end();
        }
      }
    }

   private:
    ScriptedAnswer script_;
    protocol::AnswerShield shield_;
    std::size_t next_ = 0;
  };

  std::deque<ScriptedAnswer> answers_;
};

class ScriptedTool final : public tool::Tool {
 public:
  using Behaviour = std::function<net::awaitable<tool::ToolResult>(tool::ToolCall)>;
  ScriptedTool(std::string name, Behaviour behaviour)
      : name_(std::move(name)), behaviour_(std::move(behaviour)) {}

  const std::string& name() const override { return name_; }
  std::string_view provider() const override { return "http"; }
  net::awaitable<tool::ToolSpec> describe(Deadline) override {
    co_return tool::ToolSpec{name_, "does " + name_, R"({"type":"object"})"};
  }
  net::awaitable<tool::ToolResult> call(tool::ToolCall call) override {
    arguments.push_back(call.arguments_json);
    return behaviour_(std::move(call));
  }

  std::vector<std::string> arguments;

 private:
  std::string name_;
  Behaviour behaviour_;
};

inline ScriptedTool::Behaviour answers(std::string text, bool is_error = false,
                                       bool started = true) {
  return [=](tool::ToolCall) -> net::awaitable<tool::ToolResult> {
    tool::ToolResult result{text, is_error, started};
    co_return result;
  };
}

class TextSink final : public agent::RunSink {
 public:
  net::awaitable<Result<void>> onContent(std::string_view text,
                                         const std::vector<RawMember>& extras) override {
    pieces.emplace_back(text);
    for (const RawMember& extra : extras) extra_names.push_back(extra.key);
    if (fail_after && pieces.size() >= *fail_after) {
      co_return clientError(ErrorCode::RunCancelled, "the client is gone");
    }
    co_return Result<void>();
  }

  std::string text() const {
    std::string all;
    for (const std::string& piece : pieces) all += piece;
    return all;
  }

  std::vector<std::string> pieces;
  std::vector<std::string> extra_names;
  std::optional<std::size_t> fail_after;
};

}  // namespace agw::test
