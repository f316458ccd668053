// A turn of the script as the OpenAI wire shows it: one JSON body, or a sequence of SSE events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conversation.h"
#include "script.h"

namespace scripted_llm {

// Both must outlive the object made from them.
struct ReplyInput {
  const Turn& turn;
  const ChatRequest& request;
  std::uint64_t exchange;  // makes ids unique
};

// The body of a "chat.completion"; nullopt: the text would be too long for one body.
std::optional<std::string> completionJson(const ReplyInput& input);

// The events of a stream, made one by one: a script may ask for more than fit into memory.
class EventSource {
 public:
  explicit EventSource(const ReplyInput& input);

  // Appends the next "data: ...\n\n" to `out`; false at the end. Its {{written_ns}} is now: to be
  // called right before the write.
  bool next(std::string& out);

 private:
  void appendChunk(std::string& out, const std::string& delta, const std::string& finish) const;
  std::string chunk(const std::string& delta, const std::string& finish) const;
  void prepareText(const ReplyInput& input);
  void prepareTools(const ReplyInput& input);
  void prepareEnd(const ReplyInput& input);

  std::string prefix_;
  std::string suffix_;              // closes a chunk; holds "usage":null where usage was asked for
  std::vector<std::string> head_;   // before the text
  std::vector<Template> pieces_;    // pieces of the text that differ between repetitions
  std::vector<std::string> texts_;  // or these, that do not
  std::vector<std::string> tail_;   // after the text
  TemplateValues values_;
  std::uint64_t repeat_;
  std::uint64_t position_ = 0;
};

// `text` cut as the script says; used for text and for arguments.
std::vector<std::string> cut(const std::string& text, const Fragments& fragments,
                             const TemplateValues& values);

}  // namespace scripted_llm
