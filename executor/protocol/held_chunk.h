// One chunk that waits for the next. What it says can be meant otherwise: after "finish_reason"
// some servers go on (they send it with every chunk), and a call's name can come in pieces, while
// clients may get either only once. Such chunks are few, and the next is never far. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/chat_look.h"
#include "protocol/choice_repair.h"

namespace agw::protocol {

class HeldChunk {
 public:
  static bool isDue(const ChatLook& look);

  bool isEmpty() const { return !held_; }
  void hold(std::string_view json);
  // Takes from the next chunk what it says about this one. True: that was all that is in it.
  bool amend(const ChatLook& next);

  const ChatLook& look() const { return look_; }
  const std::vector<Amendment>& amendments() const { return amendments_; }
  // Done with it; its views hold until the next hold().
  void release() { held_ = false; }

 private:
  bool amendName(const ChoiceLook& held, const ChoiceLook& next, Amendment& amendment) const;

  bool held_ = false;
  std::string json_;
  ChatLook look_;
  std::vector<Amendment> amendments_;  // one a choice
};

}  // namespace agw::protocol
