// The chunks of one answer, each put right. Pure.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "protocol/chat_look.h"
#include "protocol/choice_repair.h"
#include "protocol/chunk_shape.h"
#include "protocol/openai_stream.h"

namespace agw::protocol {

class ChunkRepair {
 public:
  static constexpr std::size_t kMaxChoices = 128;

  explicit ChunkRepair(const CallForm& form) : form_(form) {}

  // Fills `chunk` with what `look` says; its views hold until the next call. False: there is
  // nothing in it that is worth a chunk. `amendments` has one entry a choice of `look`, or none.
  Result<bool> take(const ChatLook& look, const std::vector<Amendment>& amendments,
                    ChatChunk& chunk);
  // The same for a chunk that differs from the last one, which was clean, in nothing but its text;
  // false: it is not such a chunk. learn() after take() makes that possible.
  bool takeAlike(std::string_view json, ChatChunk& chunk);
  void learn(std::string_view json, const ChatLook& look);
  // Members of an event without choices, which goes to nobody: they ride on the next chunk.
  void carry(const ChatLook& look);
  // The upstream is done: ends the choices that have no finish reason. False: there are none.
  bool close(ChatChunk& chunk);

  // Whether the answer can end here: there is a choice, and each has got a finish reason.
  bool isComplete() const;
  bool hasSaidSomething() const;
  // Beside the last chunk's choices: how their parts were written.
  const std::vector<RepairedChoice>& choices() const { return repaired_; }

 private:
  static unsigned indexOf(const ChatLook& look, std::size_t position);
  ChoiceRepair* choice(const ChatLook& look, std::size_t position);
  void give(ChatChunk& chunk);
  void write(const ChatLook& look, bool choices_as_written);

  CallForm form_;
  std::deque<ChoiceRepair> choices_;
  std::vector<RepairedChoice> repaired_;
  std::deque<std::string> store_;
  std::string rest_;
  std::size_t choices_in_rest_ = 0;  // where the value of "choices" begins
  ChunkShape::Gap padding_;          // the last string behind them
  bool carried_in_rest_ = false;
  ChunkShape shape_;
  ChoiceRepair* alike_ = nullptr;  // the choice of chunks of that shape
  std::string alike_key_;          // and the member that is their text; "" for the content
  std::vector<std::pair<std::string, std::string>> carried_;  // key with quotes, value
};

}  // namespace agw::protocol
