// Files that a configuration is made of, and files whose one line is a secret.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "config/file_state.h"

namespace agw::config {

struct SecretFile {
  std::string secret;
  std::string error;  // empty: good; never holds any of the file's content
};

struct FileText {
  std::string text;
  std::string error;        // as above
  bool is_missing = false;  // there is no such file
};

// A whole regular file of at most `most` bytes: a pipe or device could block or never end.
FileText readRegularFile(const std::string& path, std::size_t most);

// Reads files and remembers which were looked for.
class FileReader {
 public:
  // As readRegularFile does.
  FileText text(const std::string& path, std::size_t most);
  // At most 64 KiB.
  SecretFile secret(const std::string& path);

  // Each once, in the order of first reading, with the state before that.
  std::vector<SeenFile> takeSeen() { return std::move(seen_); }

 private:
  std::vector<SeenFile> seen_;
};

}  // namespace agw::config
