// An answer that is given as a whole: what an upstream sent at once, or its chunks put together.
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/chat_look.h"
#include "protocol/choice_repair.h"
#include "protocol/openai_stream.h"

namespace agw::protocol {

// Whether it can be given as it is; `tools_only` as in CallForm.
bool isCleanWhole(const ChatLook& look, bool tools_only);
// The members of such an answer, for ChatChunk::rest. `usage` is its clean value, "" for none.
std::string wholeAsWritten(const ChatLook& look, std::string_view usage);

class WholeAnswer {
 public:
  static constexpr std::size_t kMaxBytes = 32 << 20;

  // Both are false when the answer is over the bounds.
  // What a repaired chunk says. `look` is what it was made from; null when the upstream did not say
  // it.
  bool add(const ChatLook* look, const std::vector<RepairedChoice>& written,
           const ChatChunk& chunk);
  // Members of an event that gave no chunk.
  bool addMembers(const ChatLook& look);
  // Everything together; views of `chunk` hold as long as this object.
  void finish(std::string_view usage, ChatChunk& chunk);

 private:
  using RawPairs = std::vector<std::pair<std::string, std::string>>;  // key with quotes, value
  struct Call {
    std::string id;
    std::string name;
    std::string arguments;
    bool custom = false;
    RawPairs others;
    RawPairs function_others;
  };
  struct Choice {
    unsigned index = 0;
    bool has_content = false;
    std::string content;  // between the quotes of a JSON string
    RawPairs extras;
    std::vector<Call> calls;
    bool legacy_call = false;
    std::string logprobs = "null";
    RawPairs others;
    std::string finish_reason;
  };

  Choice& choice(unsigned index);
  void addChoice(const RepairedChoice& written, const ChoiceDelta& delta, bool clean_text);
  void addCalls(Choice& into, const RepairedChoice& written, const ChoiceDelta& delta,
                bool clean_text);
  void keep(RawPairs& pairs, std::string_view key, std::string_view value, bool clean_text);
  void join(RawPairs& pairs, std::string_view key, std::string_view value);
  static void write(std::string& out, const Choice& choice);
  static void writeCall(std::string& out, const Call& call);
  static ChoiceDelta deltaOf(const Choice& choice);

  std::vector<Choice> choices_;
  RawPairs others_;
  std::size_t bytes_ = 0;
  std::string rest_;
};

}  // namespace agw::protocol
