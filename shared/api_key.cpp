#include "shared/api_key.h"

#include <algorithm>
#include <array>
#include <limits>

#include "shared/access_rules.h"
#include "shared/model_chars.h"

namespace agw {
namespace {

constexpr std::string_view kHashPrefix = "sha256:";

// The words a line may carry after its hash, in the order of their bit in `seen`.
constexpr std::string_view kWords[] = {"allow",    "deny",  "act_as", "scopes",  "expires",
                                       "requests", "burst", "tokens", "streams", "max_run"};

bool isBlank(char c) { return c == ' ' || c == '\t'; }

// By hand: find_first_of with two characters costs a call for each byte, which a file of a million
// lines feels.
std::string_view takeWord(std::string_view& line) {
  std::size_t begin = 0;
  while (begin < line.size() && isBlank(line[begin])) ++begin;
  std::size_t end = begin;
  while (end < line.size() && !isBlank(line[end])) ++end;
  const std::string_view word = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return word;
}

bool isKeyId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxKeyId && std::all_of(id.begin(), id.end(), [](char c) {
    return isAsciiAlnum(c) || c == '.' || c == '_' || c == '@' || c == '-';
  });
}

// By byte; kNoHexDigit for all that is none.
constexpr unsigned char kNoHexDigit = 0xFF;
constexpr std::array<unsigned char, 256> kHexDigits = [] {
  std::array<unsigned char, 256> digits{};
  digits.fill(kNoHexDigit);
  for (unsigned char i = 0; i < 10; ++i) digits['0' + i] = i;
  for (unsigned char i = 0; i < 6; ++i) {
    digits['a' + i] = static_cast<unsigned char>(10 + i);
    digits['A' + i] = static_cast<unsigned char>(10 + i);
  }
  return digits;
}();

unsigned char hexDigit(char c) { return kHexDigits[static_cast<unsigned char>(c)]; }

bool parseHash(std::string_view word, KeyHash& hash, std::string& error) {
  // The word is never quoted: a secret may stand here by mistake.
  if (!word.starts_with(kHashPrefix)) {
    error =
        "the second word must be sha256: and the 64 hex digits of the secret's SHA-256, never the "
        "secret itself; make them with: printf %s \"$SECRET\" | sha256sum";
    return false;
  }
  word.remove_prefix(kHashPrefix.size());
  if (word.size() != 2 * hash.size()) {
    error = "sha256: needs exactly 64 hex digits after it, here stand " +
            std::to_string(word.size()) + " characters";
    return false;
  }
  unsigned char any = 0;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const unsigned char high = hexDigit(word[2 * i]);
    const unsigned char low = hexDigit(word[2 * i + 1]);
    if ((high | low) > 0xF) {
      error = "sha256: holds a character that is no hex digit; write 64 of 0-9 and a-f";
      return false;
    }
    hash[i] = static_cast<unsigned char>(high << 4 | low);
    any |= hash[i];
  }
  if (any == 0) {
    error = "sha256: is all zeros, which is no hash of a secret";
    return false;
  }
  return true;
}

// "allow=team/" -> the message with the value quoted, cut to a length that a log line bears.
std::string badValue(std::string_view word, std::string_view value, std::string_view advice) {
  constexpr std::size_t kQuoted = 80;
  std::string text{word};
  text += "=";
  text += value.substr(0, kQuoted);
  if (value.size() > kQuoted) text += "...";
  text += ": ";
  text += advice;
  return text;
}

bool parseSmallCount(std::string_view value, std::uint32_t& out) {
  const auto count = parseCount(value);
  if (!count || *count > std::numeric_limits<std::uint32_t>::max()) return false;
  out = static_cast<std::uint32_t>(*count);
  return true;
}

// Sets one field; returns the advice when the value is bad, else an empty view.
std::string_view setWord(std::string_view word, std::string_view value, KeyLine& key) {
  if (word == "allow" || word == "deny") {
    if (!isValidGlobList(value)) {
      return "write model globs joined by commas, without spaces, e.g. default/*,research/*";
    }
    (word == "allow" ? key.allow : key.deny) = value;
  } else if (word == "act_as") {
    if (!isValidActAs(value)) return "write one agent name, e.g. act_as=researcher";
    key.act_as = value;
  } else if (word == "scopes") {
    const auto scopes = parseScopes(value);
    if (!scopes) return "write one or more of chat,mcp,runs,admin joined by commas";
    key.scopes = *scopes;
  } else if (word == "expires") {
    const auto time = parseUtcTime(value);
    if (!time || *time == 0) {
      return "write a time in UTC like expires=2027-06-30T00:00:00Z, or leave the word out";
    }
    key.expires_unix = *time;
  } else if (word == "requests" || word == "tokens") {
    const auto rate = parseRate(value);
    if (!rate) {
      return "write a count of at least 1 and a window s, m, h or d, e.g. 60/m or 100k/m; without "
             "the word the location's limit holds";
    }
    (word == "requests" ? key.requests : key.tokens) = *rate;
  } else if (word == "burst") {
    if (!parseSmallCount(value, key.burst)) return "write a count of at least 1, e.g. burst=20";
  } else if (word == "streams") {
    if (!parseSmallCount(value, key.streams)) return "write a count of at least 1, e.g. streams=8";
  } else {
    const auto seconds = parseDuration(value);
    if (!seconds) return "write a time with its unit s, m, h or d, at most 30d, e.g. max_run=600s";
    key.max_run_seconds = *seconds;
  }
  return {};
}

bool parseWord(std::string_view text, unsigned& seen, KeyLine& key, std::string& error) {
  const std::size_t equals = text.find('=');
  const std::string_view word = text.substr(0, equals);
  const auto* known = std::find(std::begin(kWords), std::end(kWords), word);
  if (equals == std::string_view::npos || known == std::end(kWords)) {
    // Only a name made of letters is quoted: anything else may be a misplaced secret.
    const bool is_name = word.size() <= 24 && std::all_of(word.begin(), word.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || c == '_';
                         });
    error =
        is_name && !word.empty() ? "unknown word \"" + std::string(word) + "\"" : "unknown word";
    error +=
        "; after the hash may stand allow= deny= scopes= act_as= expires= requests= burst= tokens= "
        "streams= max_run=, separated by spaces";
    if (text.starts_with('#')) error = "a comment must stand on a line of its own";
    return false;
  }
  const unsigned bit = 1U << (known - std::begin(kWords));
  if ((seen & bit) != 0) {
    error = std::string(word) + "= stands twice; write it once";
    return false;
  }
  seen |= bit;
  const std::string_view value = text.substr(equals + 1);
  const std::string_view advice = setWord(word, value, key);
  if (!advice.empty()) {
    error = badValue(word, value, advice);
    return false;
  }
  return true;
}

}  // namespace

KeyLineResult parseKeyLine(std::string_view line, KeyLine& key, std::string& error) {
  key = KeyLine{};
  error.clear();
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() > kMaxKeyLine) {
    error = "the line is longer than 4096 bytes; use wider globs or several keys";
    return KeyLineResult::Error;
  }
  // No early end: so the compiler takes many bytes at a time.
  bool has_control = false;
  for (const char c : line) {
    has_control |= (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F;
  }
  if (has_control) {
    error = "the line holds a control character";
    return KeyLineResult::Error;
  }
  const std::string_view id = takeWord(line);
  if (id.empty() || id.front() == '#') return KeyLineResult::Empty;
  if (!isKeyId(id)) {
    error =
        "the line must begin with the key's id: 1 to 64 characters of A-Z a-z 0-9 . _ @ -, e.g. "
        "alice";
    return KeyLineResult::Error;
  }
  key.id = id;
  if (!parseHash(takeWord(line), key.hash, error)) return KeyLineResult::Error;
  unsigned seen = 0;
  for (std::string_view word = takeWord(line); !word.empty(); word = takeWord(line)) {
    if (!parseWord(word, seen, key, error)) return KeyLineResult::Error;
  }
  return KeyLineResult::Key;
}

}  // namespace agw
