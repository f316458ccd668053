// Collects everything that is wrong with a configuration and its files, with its place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace agw::config {

// A place in a file; line and column count from 1, 0 is unknown.
struct Place {
  std::size_t line = 0;
  std::size_t column = 0;
  std::size_t file = 0;  // as Problems numbers them; 0 is the configuration file itself
};

// The file of places that an environment variable stands for.
inline constexpr std::size_t kEnvironmentFile = SIZE_MAX;

class Problems {
 public:
  explicit Problems(std::string file) : files_{std::move(file)} {}

  // Another file that places may be in. `name` is what messages call it.
  std::size_t addFile(std::string name);
  const std::string& fileName(std::size_t file) const { return files_.at(file); }

  // `message` must not hold a value that could be a secret.
  void add(Place place, std::string path, std::string message);
  void warn(Place place, std::string path, std::string message);
  // Of an environment variable that overrides a key.
  void addEnvironment(const std::string& variable, std::string message);
  void warnEnvironment(const std::string& variable, std::string message);

  // "on line 3", or "in other.yaml, line 3" when that is another file than `seen_from`'s.
  std::string lineFrom(Place seen_from, Place place) const;

  bool none() const { return problems_.empty(); }
  std::size_t count() const { return problems_.size(); }

  // By file, then in the order in which they stand there; the first kMaxShown and a count of the
  // rest.
  std::vector<Problem> takeProblems();
  std::vector<Problem> takeWarnings();

  static constexpr std::size_t kMaxShown = 1000;

 private:
  // What has been found, with the number of its file.
  struct Entry {
    std::size_t file;
    Problem problem;
  };

  std::vector<Problem> inOrder(std::vector<Entry> entries) const;

  std::vector<std::string> files_;
  std::vector<Entry> problems_;
  std::vector<Entry> warnings_;
};

// A name for messages and paths: control characters replaced, cut at 64 bytes.
std::string printable(std::string_view name);

// The candidate that `word` was most likely meant to be (few edits away), or "".
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

// "; did you mean x?", or "" when nothing is near.
std::string didYouMean(std::string_view word, std::span<const std::string_view> candidates);

// "a, b or c"
std::string oneOf(std::span<const std::string_view> choices);

}  // namespace agw::config
