#include "config/problems.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace agw::config {
namespace {

constexpr std::size_t kMaxName = 64;

// Edits (insert, delete, replace, swap neighbours) that turn `a` into `b`.
std::size_t editDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), previous(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({previous[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(previous);
    previous.swap(row);
  }
  return previous[b.size()];
}

}  // namespace

std::size_t Problems::addFile(std::string name) {
  files_.push_back(std::move(name));
  return files_.size() - 1;
}

void Problems::add(Place place, std::string path, std::string message) {
  problems_.push_back(
      {place.file,
       {fileName(place.file), place.line, place.column, std::move(path), std::move(message)}});
}

void Problems::warn(Place place, std::string path, std::string message) {
  warnings_.push_back(
      {place.file,
       {fileName(place.file), place.line, place.column, std::move(path), std::move(message)}});
}

void Problems::addEnvironment(const std::string& variable, std::string message) {
  problems_.push_back({kEnvironmentFile, {"environment", 0, 0, variable, std::move(message)}});
}

void Problems::warnEnvironment(const std::string& variable, std::string message) {
  warnings_.push_back({kEnvironmentFile, {"environment", 0, 0, variable, std::move(message)}});
}

std::string Problems::lineFrom(Place seen_from, Place place) const {
  const std::string line = "line " + std::to_string(place.line);
  return place.file == seen_from.file ? "on " + line : "in " + fileName(place.file) + ", " + line;
}

std::vector<Problem> Problems::inOrder(std::vector<Entry> entries) const {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tuple(a.file, a.problem.line, a.problem.column) <
           std::tuple(b.file, b.problem.line, b.problem.column);
  });
  std::vector<Problem> out;
  for (std::size_t i = 0; i < entries.size() && i < kMaxShown; ++i) {
    out.push_back(std::move(entries[i].problem));
  }
  if (entries.size() > kMaxShown) {
    const std::size_t hidden = entries.size() - kMaxShown;
    out.push_back({fileName(0), 0, 0, "", std::to_string(hidden) + " more problems are not shown"});
  }
  return out;
}

std::vector<Problem> Problems::takeProblems() { return inOrder(std::move(problems_)); }
std::vector<Problem> Problems::takeWarnings() { return inOrder(std::move(warnings_)); }

std::string printable(std::string_view name) {
  std::string out(name.substr(0, kMaxName));
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) c = '?';
  }
  if (name.size() > kMaxName) out += "...";
  return out;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kMaxName) return {};
  std::size_t best = std::max<std::size_t>(1, std::min<std::size_t>(3, word.size() / 3)) + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = editDistance(word, candidate);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string didYouMean(std::string_view word, std::span<const std::string_view> candidates) {
  const std::string_view found = nearest(word, candidates);
  if (found.empty()) return {};
  return "; did you mean " + std::string(found) + "?";
}

std::string oneOf(std::span<const std::string_view> choices) {
  std::string out;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) out += i + 1 == choices.size() ? " or " : ", ";
    out += choices[i];
  }
  return out;
}

}  // namespace agw::config
