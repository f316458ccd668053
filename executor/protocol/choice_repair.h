// One choice of an answer: what each chunk says about it, put right. Pure.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "protocol/chat_look.h"
#include "protocol/finish_reason.h"
#include "protocol/openai_stream.h"
#include "protocol/text_joiner.h"
#include "protocol/tool_call_repair.h"

namespace agw::protocol {

// How calls go out.
struct CallForm {
  MakeCallId make_id = &randomCallId;
  bool tools_only = false;  // a legacy "function_call" becomes one of "tool_calls"
};

// What the chunk after it has told about a choice.
struct Amendment {
  bool unfinish = false;  // more of the choice came after its "finish_reason"
  std::size_t call = 0;   // the fragment whose name came in pieces
  std::string call_name;  // the whole name; "" when it did not
};

// A chunk's part of one choice. Views point into the looked-at text and into the repair's store.
struct RepairedChoice {
  enum class Content { Absent, Null, AsWritten, Changed };

  const ChoiceLook* look = nullptr;  // null: not of the upstream
  ChoiceDelta delta;
  Content content = Content::Absent;
  MemberLooks others;  // further members of the delta, clean
  std::vector<PlacedCall> calls;
  bool first = false;  // the first of its choice
  bool calls_as_written = true;
  bool legacy_call = false;   // "function_call" instead of "tool_calls"
  bool as_written = false;    // look->raw is a clean choice of a chunk
  bool says_nothing = false;  // and is not worth a chunk
  bool is_text = false;       // nothing but text and further members: no call, no end
};

class ChoiceRepair {
 public:
  ChoiceRepair(unsigned index, const CallForm& form)
      : index_(index), tools_only_(form.tools_only), calls_(form.make_id) {}

  // Fails when the upstream says that the choice failed, or sends more calls than we keep. `store`
  // keeps what views of the result point to.
  Result<RepairedChoice> read(const ChoiceLook& look, const ChatLook& chat,
                              const Amendment& amendment, std::deque<std::string>& store);
  // The same for a clean delta that says nothing but this: content, or another member.
  void takeContent(std::string_view content, std::string& text);
  void takeOther() { said_something_ = true; }
  // The upstream is done, and no finish reason has been given for the choice.
  RepairedChoice close(std::deque<std::string>& store);

  unsigned index() const { return index_; }
  bool isFinished() const { return finished_; }
  // The upstream has given one, be it one that it went on after.
  bool mayEnd() const { return reason_ != FinishReason::None; }
  bool hasSaidSomething() const { return said_something_; }

 private:
  // Each says whether what it has read can go out as it was written.
  bool readContent(const ChoiceLook& look, bool clean_text, RepairedChoice& out,
                   std::deque<std::string>& store);
  bool readOthers(const DeltaLook& said, bool clean_text, RepairedChoice& out,
                  std::deque<std::string>& store);
  bool readRole(std::string_view role, RepairedChoice& out);
  Result<bool> readCalls(const DeltaLook& said, bool clean_text, const Amendment& amendment,
                         RepairedChoice& out);
  bool finish(FinishReason reason, RepairedChoice& out, std::deque<std::string>& store);

  FinishReason agreed(FinishReason reason) const;
  void takeParts(RepairedChoice& out) const;
  bool goesOutAsLegacy() const { return legacy_call_ && !tools_only_; }

  unsigned index_;
  bool tools_only_;
  bool role_given_ = false;
  bool finished_ = false;
  FinishReason reason_ = FinishReason::None;  // the upstream's last
  bool said_something_ = false;
  bool legacy_call_ = false;  // the upstream's call is a "function_call"
  TextJoiner content_;
  std::vector<std::pair<std::string, TextJoiner>> others_;  // that hold something back, by key
  ToolCallRepair calls_;
  CallLooks call_looks_;
};

}  // namespace agw::protocol
