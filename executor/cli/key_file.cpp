#include "cli/key_file.h"

#include <cstring>
#include <limits>
#include <ostream>
#include <unordered_map>
#include <utility>

#include "cli/key_words.h"
#include "shared/key_line_checks.h"

namespace agw::cli {
namespace {

struct HashOfKey {
  std::size_t operator()(const KeyHash& hash) const {
    std::size_t start = 0;  // a SHA-256 is as good at its start as anywhere
    std::memcpy(&start, hash.data(), sizeof start);
    return start;
  }
};

class Reader {
 public:
  void readLine(std::uint64_t number, std::string_view line) {
    KeyEntry entry{number, line, {}};
    std::string error;
    switch (parseKeyLine(line, entry.key, error)) {
      case KeyLineResult::Empty:
        return;
      case KeyLineResult::Error:
        report(number, std::move(error));
        return;
      case KeyLineResult::Key:
        break;
    }
    if (error = checkKeyLine(entry.key); !error.empty()) report(number, std::move(error));
    compareWithOthers(entry);
    file_.keys.push_back(entry);
  }

  KeyFile finish() {
    file_.ids = first_of_id_.size();
    return std::move(file_);
  }

 private:
  void compareWithOthers(const KeyEntry& entry) {
    const auto [same, is_new_hash] = line_of_hash_.try_emplace(entry.key.hash, entry.line);
    if (!is_new_hash) {
      report(entry.line, "the same key as on line " + std::to_string(same->second) +
                             "; one key stands for one id, so remove one of the lines");
    }
    const auto [first, is_new_id] = first_of_id_.try_emplace(entry.key.id, file_.keys.size());
    if (is_new_id) return;
    const KeyEntry& other = file_.keys[first->second];
    const std::string_view word = differingLimit(other.key, entry.key);
    if (word.empty()) return;
    report(entry.line, std::string(word) + "= differs from that of " + std::string(entry.key.id) +
                           " on line " + std::to_string(other.line) +
                           "; limits belong to the id, so write the same on all its lines");
  }

  void report(std::uint64_t line, std::string message) {
    ++file_.problem_count;
    if (file_.problems.size() < kMaxKeyFileProblems) {
      file_.problems.push_back({line, std::move(message)});
    }
  }

  KeyFile file_;
  std::unordered_map<KeyHash, std::uint64_t, HashOfKey> line_of_hash_;
  std::unordered_map<std::string_view, std::size_t> first_of_id_;  // index in file_.keys
};

}  // namespace

KeyFile parseKeyFile(std::string_view text) {
  Reader reader;
  std::uint64_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
    reader.readLine(++number, text.substr(0, size));
    text.remove_prefix(size);
  }
  return reader.finish();
}

void printProblems(std::ostream& err, const std::string& file, const KeyFile& parsed) {
  for (const KeyFileProblem& problem : parsed.problems) {
    err << file << ':' << problem.line << ": " << problem.message << '\n';
  }
  if (parsed.problem_count > parsed.problems.size()) {
    err << file << ": and " << parsed.problem_count - parsed.problems.size() << " more problems\n";
  }
}

std::string_view wordOf(const KeyEntry& entry, std::string_view name) {
  std::string_view words = wordsAfterHash(entry.text);
  for (std::string_view word = takeWord(words); !word.empty(); word = takeWord(words)) {
    if (word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=') {
      return word.substr(name.size() + 1);
    }
  }
  return {};
}

std::int64_t endOf(const KeyLine& key) {
  return key.expires_unix == 0 ? std::numeric_limits<std::int64_t>::max() : key.expires_unix;
}

std::string hexOf(const KeyHash& hash) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(2 * hash.size());
  for (const unsigned char byte : hash) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 0xF];
  }
  return out;
}

std::string shortHash(const KeyHash& hash) { return hexOf(hash).substr(0, 8); }

}  // namespace agw::cli
