#include "protocol/tool_call_repair.h"

#include <algorithm>
#include <utility>

#include "base/id.h"

namespace agw::protocol {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

bool isNumber(std::string_view json, unsigned number) { return json == std::to_string(number); }

}  // namespace

std::string randomCallId() { return randomId("call_"); }

void ToolCallRepair::rename(std::size_t position, std::string name) {
  renamed_ = position;
  new_name_ = std::move(name);
}

bool ToolCallRepair::add(const CallLooks& fragments, bool clean_text,
                         std::vector<PlacedCall>& placed) {
  ++deltas_;
  const std::string new_name = std::exchange(new_name_, {});
  for (std::size_t i = 0; i < fragments.size(); ++i) {
    if (!isObject(fragments[i].raw)) continue;
    if (!addOne(fragments[i], clean_text, i == renamed_ ? new_name : std::string(), placed)) {
      return false;
    }
  }
  return true;
}

bool ToolCallRepair::addOne(const CallLook& look, bool clean_text, std::string rename,
                            std::vector<PlacedCall>& placed) {
  Fragment fragment{numberOf(look.index), textOf(look.id), stringOf(look.name), look.arguments};
  const bool renamed = !rename.empty();
  if (renamed) fragment.name = std::move(rename);
  bytes_ += fragment.id.size() + fragment.name.size() + fragment.arguments.size();
  if (bytes_ > ToolCallCollector::kMaxBytes) return false;

  Call* const found = place(fragment, look);
  if (found == nullptr) return calls_.size() < ToolCallCollector::kMaxCalls;
  Call& call = *found;
  PlacedCall out;
  out.look = &look;
  out.as_written = addArguments(call, look.arguments, clean_text, out.part.arguments) &&
                   clean_text && !look.odd && !renamed;
  if (!call.announced && fragment.name.empty() && !call.custom) {
    call.held_arguments += out.part.arguments;
    return true;
  }
  const bool had_arguments = !call.held_arguments.empty();
  announce(call, out);
  if (out.opens) {
    out.part.name = std::move(fragment.name);
    out.as_written = out.as_written && !had_arguments && isString(look.id) &&
                     fragment.id == call.id &&
                     (call.custom || (look.type == R"("function")" && isString(look.arguments)));
  } else if (!call.custom) {
    out.as_written = out.as_written && look.id.empty() && look.name.empty() && look.type.empty();
    out.says_nothing =
        out.part.arguments.empty() && look.others.empty() && look.function_others.empty();
  }
  out.as_written = out.as_written && isNumber(look.index, out.part.index);
  placed.push_back(std::move(out));
  return true;
}

// The call that the fragment belongs to, which it may open; null: it says nothing, or there are too
// many calls.
ToolCallRepair::Call* ToolCallRepair::place(const Fragment& fragment, const CallLook& look) {
  const std::size_t at = find(fragment);
  if (at != kNone) {
    Call& call = calls_[at];
    if (call.upstream_id.empty()) call.upstream_id = fragment.id;
    return &call;
  }
  const bool says_something =
      !fragment.id.empty() || !fragment.name.empty() || !isBlank(fragment.arguments) || look.custom;
  if (!says_something || calls_.size() == ToolCallCollector::kMaxCalls) return nullptr;
  Call& opened = calls_.emplace_back();
  opened.upstream_index = fragment.index;
  opened.upstream_id = fragment.id;
  opened.delta = deltas_;
  opened.custom = look.custom;
  return &opened;
}

// True: the fragment's own text says just what is added.
bool ToolCallRepair::addArguments(Call& call, std::string_view json, bool clean_text,
                                  std::string& arguments) {
  bool as_written = json.empty();
  if (isString(json)) {
    as_written = call.joiner.add(json, clean_text, arguments);
  } else {
    arguments = textOf(json);
  }
  if (call.progress.isComplete() && call.progress.isRepeated(arguments)) {
    arguments.clear();
    return false;
  }
  call.progress.add(arguments);
  return as_written;
}

std::size_t ToolCallRepair::find(const Fragment& fragment) const {
  return fragment.index ? findByIndex(fragment) : findWithoutIndex(fragment);
}

// The latest call of that number, unless another id or arguments after the end say that this is a
// new one (servers that number every call 0).
std::size_t ToolCallRepair::findByIndex(const Fragment& fragment) const {
  std::size_t latest = kNone;
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const std::optional<unsigned>& index = calls_[i].upstream_index;
    const bool same_id = !fragment.id.empty() && calls_[i].upstream_id == fragment.id;
    if (same_id && (!index || index == fragment.index) && !isAnother(calls_[i], fragment)) return i;
    if (index == fragment.index) latest = i;
  }
  if (latest == kNone) {
    const bool goes_on = fragment.id.empty() && fragment.name.empty() && !calls_.empty() &&
                         !calls_.back().upstream_index;
    return goes_on ? calls_.size() - 1 : kNone;
  }
  const Call& call = calls_[latest];
  if (!fragment.id.empty() && !call.upstream_id.empty()) return kNone;
  return isAnother(call, fragment) ? kNone : latest;
}

// A new id opens a call, no id goes on with the last one.
std::size_t ToolCallRepair::findWithoutIndex(const Fragment& fragment) const {
  if (calls_.empty()) return kNone;
  const Call& last = calls_.back();
  if (!fragment.id.empty()) {
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      const bool same_id = calls_[i].upstream_id == fragment.id;
      if (same_id && !isAnother(calls_[i], fragment)) return i;
    }
    const bool unnamed = !last.announced && last.upstream_id.empty();
    return unnamed && last.delta != deltas_ ? calls_.size() - 1 : kNone;
  }
  if (fragment.name.empty()) return calls_.size() - 1;
  // With a name: a whole call of a server that gives neither ids nor numbers, unless the last one's
  // arguments are still on their way.
  const bool on_its_way =
      !last.announced || (last.progress.hasBegun() && !last.progress.isComplete());
  return last.delta != deltas_ && on_its_way ? calls_.size() - 1 : kNone;
}

// A call that was named and has all its arguments gets no more of them.
bool ToolCallRepair::isAnother(const Call& call, const Fragment& fragment) const {
  if (fragment.name.empty() || !call.announced) return false;
  if (!call.progress.isComplete()) return call.delta == deltas_;
  return !isBlank(fragment.arguments) && !call.progress.isRepeated(textOf(fragment.arguments));
}

// Gives the call its number and its id, the first time, and what was held back until then. Two
// calls of an answer never have the same id: clients could not tell their results apart.
void ToolCallRepair::announce(Call& call, PlacedCall& out) {
  out.opens = !std::exchange(call.announced, true);
  if (out.opens) {
    const std::string& wanted = call.upstream_id;
    const bool taken = std::any_of(calls_.begin(), calls_.end(),
                                   [&](const Call& other) { return other.id == wanted; });
    call.id = wanted.empty() || taken ? make_id_() : wanted;
    call.number = announced_++;
    out.part.id = call.id;
    out.part.arguments.insert(0, std::exchange(call.held_arguments, {}));
  }
  out.part.index = call.number;
}

void ToolCallRepair::finish(std::vector<PlacedCall>& placed) {
  for (Call& call : calls_) {
    if (call.custom) continue;
    PlacedCall out;
    out.part.arguments = call.joiner.flush();
    call.progress.add(out.part.arguments);
    announce(call, out);
    if (!call.progress.hasBegun()) {
      out.part.arguments += "{}";
      call.progress.add("{}");
    }
    if (out.opens || !out.part.arguments.empty()) placed.push_back(std::move(out));
  }
}

}  // namespace agw::protocol
