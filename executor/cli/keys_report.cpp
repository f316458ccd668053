#include "cli/keys_report.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <vector>

#include "base/json_reader.h"
#include "cli/key_file.h"
#include "cli/key_file_store.h"
#include "cli/key_time.h"
#include "shared/edge_headers.h"

namespace agw::cli {
namespace {

constexpr std::array<std::string_view, 5> kLimitWords = {"requests", "burst", "tokens", "streams",
                                                         "max_run"};
constexpr std::size_t kMaxWidth = 40;  // of a column; a longer cell makes its own line wider

using SecretCounts = std::unordered_map<std::string_view, std::size_t>;
using LastEnds = std::unordered_map<std::string_view, std::int64_t>;
using Row = std::array<std::string, 9>;

SecretCounts countSecrets(const KeyFile& file) {
  SecretCounts counts;
  for (const KeyEntry& entry : file.keys) ++counts[entry.key.id];
  return counts;
}

std::string expiryText(const KeyLine& key) {
  return key.expires_unix == 0 ? std::string() : formatUtcTime(key.expires_unix);
}

std::string orDash(std::string_view text) { return std::string(text.empty() ? "-" : text); }

Row tableRow(const KeyEntry& entry, std::size_t secrets, std::int64_t now_unix) {
  std::string limits;
  for (const std::string_view word : kLimitWords) {
    const std::string_view value = wordOf(entry, word);
    if (value.empty()) continue;
    if (!limits.empty()) limits += ' ';
    limits += std::string(word) + '=' + std::string(value);
  }
  const KeyLine& key = entry.key;
  return {std::string(key.id),
          shortHash(key.hash),
          std::string(stateName(keyState(key.expires_unix, now_unix))),
          orDash(expiryText(key)),
          std::to_string(secrets),
          std::string(formatScopes(key.scopes)),
          orDash(key.allow),
          orDash(key.deny),
          orDash(limits)};
}

void printTable(const KeyFile& file, std::int64_t now_unix, std::ostream& out) {
  const SecretCounts secrets = countSecrets(file);
  std::vector<Row> rows = {
      {"ID", "HASH", "STATE", "EXPIRES", "SECRETS", "SCOPES", "ALLOW", "DENY", "LIMITS"}};
  for (const KeyEntry& entry : file.keys) {
    rows.push_back(tableRow(entry, secrets.at(entry.key.id), now_unix));
  }
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], std::min(row[i].size(), kMaxWidth));
    }
  }
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 == row.size()) break;
      line.append(widths[i] - std::min(row[i].size(), widths[i]) + 2, ' ');
    }
    out << line << '\n';
  }
}

Json listOf(std::string_view comma_list) {
  Json out = Json::array();
  while (!comma_list.empty()) {
    const std::size_t comma = std::min(comma_list.find(','), comma_list.size());
    out.push_back(comma_list.substr(0, comma));
    comma_list.remove_prefix(std::min(comma + 1, comma_list.size()));
  }
  return out;
}

Json orNull(std::string_view text) { return text.empty() ? Json() : Json(text); }

// An array with a line for each key, so that a file of a million keys is never one value in memory.
void printJson(const KeyFile& file, std::int64_t now_unix, std::ostream& out) {
  const SecretCounts secrets = countSecrets(file);
  std::string_view separator = "[\n";
  for (const KeyEntry& entry : file.keys) {
    const KeyLine& key = entry.key;
    Json limits = Json::object();
    for (const std::string_view word : kLimitWords) {
      const std::string_view value = wordOf(entry, word);
      if (!value.empty()) limits[std::string(word)] = value;
    }
    out << separator
        << dumpJson({{"id", key.id},
                     {"hash", shortHash(key.hash)},
                     {"line", entry.line},
                     {"state", stateName(keyState(key.expires_unix, now_unix))},
                     {"expires", orNull(expiryText(key))},
                     {"secrets", secrets.at(key.id)},
                     {"scopes", listOf(formatScopes(key.scopes))},
                     {"allow", listOf(key.allow)},
                     {"deny", listOf(key.deny)},
                     {"act_as", orNull(key.act_as)},
                     {"limits", std::move(limits)}});
    separator = ",\n";
  }
  out << (file.keys.empty() ? "[]\n" : "\n]\n");
}

std::string count(std::size_t number, const std::string& one, const std::string& many) {
  return std::to_string(number) + ' ' + (number == 1 ? one : many);
}

// "in 3 days", "in 5 hours": rounded down, so that nobody counts on more.
std::string timeLeft(std::int64_t seconds) {
  if (seconds >= 2 * 86'400) return "in " + std::to_string(seconds / 86'400) + " days";
  if (seconds >= 2 * 3'600) return "in " + std::to_string(seconds / 3'600) + " hours";
  return "in " + std::to_string(seconds / 60) + " minutes";
}

// Until when each id has a secret; the greatest number stands for ever.
LastEnds lastEnds(const KeyFile& file) {
  LastEnds ends;
  for (const KeyEntry& entry : file.keys) {
    std::int64_t& end = ends[entry.key.id];
    end = std::max(end, endOf(entry.key));
  }
  return ends;
}

std::string expiryWarning(const KeyEntry& entry, std::int64_t last_end, std::int64_t now_unix) {
  const std::int64_t expires = entry.key.expires_unix;
  const std::string id(entry.key.id);
  std::string text = id + " (" + shortHash(entry.key.hash) + ") ";
  if (expires <= now_unix) return text + "expired at " + formatUtcTime(expires) + "; revoke it";
  text += "expires " + timeLeft(expires - now_unix) + ", at " + formatUtcTime(expires);
  return text + (last_end > expires ? "; another secret of " + id + " lives longer"
                                    : "; it is the last one of " + id);
}

bool readText(const std::string& file, std::string& text, std::ostream& err) {
  config::FileText read = readKeyFile(file);
  if (!read.error.empty()) err << file << ": " << read.error << '\n';
  text = std::move(read.text);
  return read.error.empty();
}

}  // namespace

int listKeys(const std::string& file, ListForm form, std::int64_t now_unix, std::ostream& out,
             std::ostream& err) {
  std::string text;
  if (!readText(file, text, err)) return 1;
  const KeyFile parsed = parseKeyFile(text);
  if (form == ListForm::Json) {
    printJson(parsed, now_unix, out);
  } else {
    printTable(parsed, now_unix, out);
  }
  printProblems(err, file, parsed);
  return parsed.problems.empty() ? 0 : 1;
}

int checkKeys(const std::string& file, std::int64_t now_unix, std::ostream& out,
              std::ostream& err) {
  std::string text;
  if (!readText(file, text, err)) return 1;
  const KeyFile parsed = parseKeyFile(text);
  if (!parsed.problems.empty()) {
    printProblems(err, file, parsed);
    err << file << ": " << count(parsed.problem_count, "problem", "problems") << '\n';
    return 1;
  }
  std::size_t expiring = 0;
  std::size_t expired = 0;
  std::string warnings;
  const LastEnds last_ends = lastEnds(parsed);
  for (const KeyEntry& entry : parsed.keys) {
    const KeyState state = keyState(entry.key.expires_unix, now_unix);
    if (state == KeyState::Valid) continue;
    ++(state == KeyState::Expired ? expired : expiring);
    warnings += "warning: " + file + ':' + std::to_string(entry.line) + ": " +
                expiryWarning(entry, last_ends.at(entry.key.id), now_unix) + '\n';
  }
  out << file << ": ok, " << count(parsed.keys.size(), "key", "keys") << ", "
      << count(parsed.ids, "id", "ids") << ", " << expiring << " expiring within 7 days, "
      << expired << " expired\n"
      << warnings;
  return 0;
}

}  // namespace agw::cli
