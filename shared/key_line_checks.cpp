#include "shared/key_line_checks.h"

#include "shared/glob.h"
#include "shared/model_id.h"

namespace agw {
namespace {

// Takes the next entry off the front of a comma-separated list.
std::string_view takeEntry(std::string_view& list) {
  const std::size_t comma = list.find(',');
  const std::string_view entry = list.substr(0, comma);
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return entry;
}

// The glob as it meets canonical ids (see access_rules.h). Every id is namespace/name, so "*" is
// the same as "*/*", which a glob for a whole namespace can be compared with.
void writeFullGlob(std::string_view glob, std::string& out) {
  out.clear();
  if (glob == "*") {
    out = "*/*";
    return;
  }
  if (glob.find('/') == std::string_view::npos) {
    out = kDefaultNamespace;
    out += '/';
  }
  out += glob;
}

// Whether `deny` matches every id that `allow` matches. Taken as a text, `allow` stands for its
// ids: a '*' of `deny` that swallows a piece of it swallows all that the piece can become. That
// fails only where a '?' of `deny`, one character, meets a '*' of `allow`, any number of them.
bool covers(std::string_view deny, std::string_view allow) {
  if (deny == allow) return true;
  const bool has_clash =
      deny.find('?') != std::string_view::npos && allow.find('*') != std::string_view::npos;
  return !has_clash && globMatches(deny, allow);
}

std::string quoted(std::string_view word, std::string_view glob) {
  constexpr std::size_t kQuoted = 80;  // a log line must bear it
  std::string text{word};
  text += '=';
  text += glob.substr(0, kQuoted);
  if (glob.size() > kQuoted) text += "...";
  return text;
}

std::string idleLimit(const KeyLine& key) {
  if ((key.scopes & scopeBit(Scope::Chat)) != 0) return {};
  std::string word;
  if (key.streams != 0) word = "streams=";
  if (key.tokens.count != 0) word = "tokens=";
  if (word.empty()) return {};
  return word +
         " can never apply: it limits chat requests, but scopes= lacks chat; add chat to scopes= "
         "or leave " +
         word + " out";
}

std::string coveredGlob(const KeyLine& key) {
  std::string full_allow;
  std::string full_deny;
  std::string_view allow_list = key.deny.empty() ? std::string_view{} : key.allow;
  while (!allow_list.empty()) {
    const std::string_view allow = takeEntry(allow_list);
    writeFullGlob(allow, full_allow);
    std::string_view deny_list = key.deny;
    while (!deny_list.empty()) {
      const std::string_view deny = takeEntry(deny_list);
      writeFullGlob(deny, full_deny);
      if (!covers(full_deny, full_allow)) continue;
      return quoted("allow", allow) + " can never match: " + quoted("deny", deny) +
             " covers it and stands above it; remove one of the two";
    }
  }
  return {};
}

bool isSame(const Rate& one, const Rate& other) {
  return one.count == other.count && one.window_seconds == other.window_seconds;
}

}  // namespace

std::string checkKeyLine(const KeyLine& key) {
  std::string error = idleLimit(key);
  return error.empty() ? coveredGlob(key) : error;
}

std::string_view differingLimit(const KeyLine& one, const KeyLine& other) noexcept {
  if (!isSame(one.requests, other.requests)) return "requests";
  if (one.burst != other.burst) return "burst";
  if (!isSame(one.tokens, other.tokens)) return "tokens";
  if (one.streams != other.streams) return "streams";
  if (one.max_run_seconds != other.max_run_seconds) return "max_run";
  return {};
}

}  // namespace agw
