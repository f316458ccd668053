// One file of tests/wire/quirks: what an upstream answered, and what is to come of it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_reader.h"

namespace agw::test {

struct QuirkFile {
  std::string name;  // of the file, without its extension
  std::string quirk;
  bool stream = false;  // what was asked for
  std::string content_type;
  std::string content_encoding;
  std::string body;
  std::optional<Error> breaks;  // how the body ends, unless properly
  Json expected;
};

// All of them, in order. Throws for a file that is not as docs/quirks.md says.
std::vector<QuirkFile> readQuirkFiles(const std::filesystem::path& directory);

}  // namespace agw::test
