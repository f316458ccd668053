#include "cli/key_arguments.h"

#include <algorithm>
#include <utility>

#include "cli/key_file.h"
#include "cli/key_time.h"
#include "shared/key_line_checks.h"

namespace agw::cli {
namespace {

constexpr std::size_t kMinPrefix = 8;
constexpr std::size_t kMaxPrefix = 64;

// One word of a line: no blank, no control character.
bool isOneWord(const std::string& value) {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte <= 0x20 || byte == 0x7F;
  });
}

}  // namespace

std::string checkKeyId(const std::string& id) {
  if (id.starts_with("agk_") && id.size() >= 40) {
    return "what stands in the place of the id looks like a secret; write the id of the key";
  }
  KeyHash any{};
  any.fill(1);
  const std::string line = keyLine(id, any, {});
  KeyLine key;
  std::string error;
  if (parseKeyLine(line, key, error) == KeyLineResult::Key && key.id == id) return {};
  return "an id is 1 to 64 characters of A-Z a-z 0-9 . _ @ -, e.g. alice";
}

std::string settleWords(std::vector<KeyWord>& words, std::int64_t now_unix) {
  for (KeyWord& word : words) {
    if (!isOneWord(word.value)) {
      return word.name + "=: the value must be without blanks, line ends and control characters";
    }
    if (word.name != "expires") continue;
    const auto expires = parseExpiry(word.value, now_unix);
    if (!expires) {
      return "expires=" + word.value.substr(0, 80) +
             ": write a time in UTC like 2027-06-30T00:00:00Z, or a time from now with its unit s, "
             "m, h or d, like 30d, at most 3650d";
    }
    if (*expires <= now_unix) {
      return "expires=" + word.value + " is in the past: the key would be refused from the start";
    }
    word.value = formatUtcTime(*expires);
  }
  return {};
}

std::string joinWords(const std::vector<KeyWord>& words) {
  std::string out;
  for (const KeyWord& word : words) {
    if (!out.empty()) out += ' ';
    out += word.name + '=' + word.value;
  }
  return out;
}

std::string keyLine(const std::string& id, const KeyHash& hash, std::string_view words) {
  std::string line = id + " sha256:" + hexOf(hash);
  if (!words.empty()) line += ' ';
  line += words;
  return line += '\n';
}

std::string checkLine(const std::string& line) {
  KeyLine key;
  std::string error;
  switch (parseKeyLine(line, key, error)) {
    case KeyLineResult::Error:
      return error;
    case KeyLineResult::Empty:
      return "that makes no line of a key file";
    case KeyLineResult::Key:
      break;
  }
  return checkKeyLine(key);
}

HashPrefix parseHashPrefix(const std::string& text) {
  constexpr std::string_view kName = "sha256:";
  std::string digits = text.starts_with(kName) ? text.substr(kName.size()) : text;
  const bool is_hex = std::all_of(digits.begin(), digits.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
  if (!is_hex || digits.size() < kMinPrefix || digits.size() > kMaxPrefix) {
    // Not repeated: it may be a secret.
    return {{}, "--hash takes the first 8 to 64 hex digits of the hash, as `keys list` shows them"};
  }
  std::transform(digits.begin(), digits.end(), digits.begin(), [](char c) {
    return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return {std::move(digits), {}};
}

}  // namespace agw::cli
