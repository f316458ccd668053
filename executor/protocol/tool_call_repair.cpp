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

  std::size_t at = find(fragment);
  if (at == kNone) {
    if (calls_.size() == ToolCallCollector::kMaxCalls) return false;
    at = calls_.size();
    Call& opened = calls_.emplace_back();
    opened.upstream_index = fragment.index;
    opened.delta = deltas_;
    opened.custom = look.custom;
  }
  Call& call = calls_[at];
  if (call.upstream_id.empty()) call.upstream_id = fragment.id;

  PlacedCall out;
  out.look = &look;
  out.part.index = static_cast<unsigned>(at);
  bool as_written = clean_text && !look.odd && !renamed && isNumber(look.index, out.part.index);
  std::string arguments;
  if (isString(fragment.arguments)) {
    as_written = call.joiner.add(fragment.arguments, clean_text, arguments) && as_written;
  } else {
    as_written = as_written && fragment.arguments.empty();
    arguments = textOf(fragment.arguments);
  }
  if (call.progress.isComplete() && call.progress.isRepeated(arguments)) {
    arguments.clear();
    as_written = false;
  }
  call.progress.add(arguments);
  if (call.custom) {
    // Its members are not those of a function: they pass, and only the number may be wrong.
    out.opens = announce(call);
    out.as_written = as_written && (!out.opens || fragment.id == call.id);
    placed.push_back(std::move(out));
    return true;
  }
  if (!call.announced && fragment.name.empty()) {
    call.held_arguments += arguments;
    return true;
  }
  out.part.arguments = std::move(arguments);
  if (announce(call)) {
    out.opens = true;
    out.part.id = call.id;
    out.part.name = std::move(fragment.name);
    out.part.arguments.insert(0, call.held_arguments);
    out.as_written = as_written && call.held_arguments.empty() && isString(look.id) &&
                     fragment.id == call.id && look.type == R"("function")" &&
                     isString(look.arguments);
    call.held_arguments.clear();
  } else {
    const bool bare = look.id.empty() && look.name.empty() && look.type.empty();
    out.as_written = as_written && bare;
    out.says_nothing =
        out.part.arguments.empty() && look.others.empty() && look.function_others.empty();
  }
  placed.push_back(std::move(out));
  return true;
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
  return hasText(fragment.arguments) && !call.progress.isRepeated(textOf(fragment.arguments));
}

// Gives the call its id; false when it has one. Two calls of an answer never have the same:
// clients could not tell their results apart.
bool ToolCallRepair::announce(Call& call) const {
  if (std::exchange(call.announced, true)) return false;
  const std::string& wanted = call.upstream_id;
  const bool taken = std::any_of(calls_.begin(), calls_.end(),
                                 [&](const Call& other) { return other.id == wanted; });
  call.id = wanted.empty() || taken ? make_id_() : wanted;
  return true;
}

void ToolCallRepair::finish(std::vector<PlacedCall>& placed) {
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    Call& call = calls_[i];
    if (call.custom) continue;
    PlacedCall out;
    out.part.index = static_cast<unsigned>(i);
    out.part.arguments = call.held_arguments.append(call.joiner.flush());
    out.opens = announce(call);
    if (out.opens) out.part.id = call.id;
    call.progress.add(out.part.arguments);
    if (!call.progress.hasBegun()) {
      out.part.arguments += "{}";
      call.progress.add("{}");
    }
    call.held_arguments.clear();
    if (out.opens || !out.part.arguments.empty()) placed.push_back(std::move(out));
  }
}

}  // namespace agw::protocol
