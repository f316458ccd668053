// Collects everything that is wrong with a configuration file, with its place.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace agw::config {

// A place in the file; both count from 1, 0 is unknown.
struct Place {
  std::size_t line = 0;
  std::size_t column = 0;
};

class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  // `message` must not hold a value that could be a secret.
  void add(Place place, std::string path, std::string message);
  void warn(Place place, std::string path, std::string message);
  // A problem of an environment variable that overrides a key.
  void addEnvironment(const std::string& variable, std::string message);

  bool none() const { return problems_.empty(); }
  const std::string& file() const { return file_; }

  // In file order; the first kMaxShown and a count of the rest.
  std::vector<Problem> takeProblems();
  std::vector<Problem> takeWarnings();

  static constexpr std::size_t kMaxShown = 1000;

 private:
  std::string file_;
  std::vector<Problem> problems_;
  std::vector<Problem> warnings_;
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
