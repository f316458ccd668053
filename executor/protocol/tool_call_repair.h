// Which call a fragment belongs to. Servers leave out "index", give 0 to every call, leave out or
// repeat ids and names; clients need one number a call, and id and name once. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/arguments_progress.h"
#include "protocol/chat_look.h"
#include "protocol/text_joiner.h"
#include "protocol/tool_calls.h"

namespace agw::protocol {

// Makes ids for calls that have none.
using MakeCallId = std::string (*)();
std::string randomCallId();

// A fragment of the upstream's, put in its place.
struct PlacedCall {
  ToolCallPart part;
  bool opens = false;              // the first part of its call: id, type and name go out with it
  bool as_written = false;         // the fragment's own text says just this
  bool says_nothing = false;       // nothing in it is for the client
  const CallLook* look = nullptr;  // its vendor's members; null for what was held back
};

// The calls of one choice.
class ToolCallRepair {
 public:
  explicit ToolCallRepair(MakeCallId make_id) : make_id_(make_id) {}

  // The fragments of one delta, in order. False: over the bounds of ToolCallCollector.
  bool add(const CallLooks& fragments, bool clean_text, std::vector<PlacedCall>& placed);
  // `name`, when not empty, stands for the name of the fragment at `position`.
  void rename(std::size_t position, std::string name);
  // The choice ends: what was held back, and "{}" for calls whose arguments never came.
  void finish(std::vector<PlacedCall>& placed);

  bool empty() const { return calls_.empty(); }

 private:
  struct Call {
    std::optional<unsigned> upstream_index;
    std::string upstream_id;
    std::string id;
    std::string held_arguments;  // came before the name
    std::size_t delta = 0;       // in which it was opened
    bool announced = false;      // its first part, with id and name, has been given
    unsigned number = 0;         // from then on
    bool custom = false;
    ArgumentsProgress progress;
    TextJoiner joiner;
  };

  struct Fragment {
    std::optional<unsigned> index;
    std::string id;
    std::string name;
    std::string_view arguments;  // JSON; empty: none
  };

  std::size_t find(const Fragment& fragment) const;
  std::size_t findByIndex(const Fragment& fragment) const;
  std::size_t findWithoutIndex(const Fragment& fragment) const;
  bool isAnother(const Call& call, const Fragment& fragment) const;
  bool addOne(const CallLook& look, bool clean_text, std::string rename,
              std::vector<PlacedCall>& placed);
  Call* place(const Fragment& fragment, const CallLook& look);
  static bool addArguments(Call& call, std::string_view json, bool clean_text,
                           std::string& arguments);
  void announce(Call& call, PlacedCall& out);

  MakeCallId make_id_;
  std::vector<Call> calls_;
  unsigned announced_ = 0;
  std::size_t deltas_ = 0;
  std::size_t bytes_ = 0;
  std::size_t renamed_ = 0;
  std::string new_name_;
};

}  // namespace agw::protocol
