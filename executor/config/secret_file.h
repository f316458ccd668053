// A file whose one line is a secret.
#pragma once

#include <string>

namespace agw::config {

struct SecretFile {
  std::string secret;
  std::string error;  // empty: good; never holds any of the file's content
};

// At most 64 KiB, of regular files only: a pipe or device could block or never end.
SecretFile readSecretFile(const std::string& path);

// A whole regular file of at most `most` bytes. `error` as above.
struct FileText {
  std::string text;
  std::string error;
};
FileText readRegularFile(const std::string& path, std::size_t most);

}  // namespace agw::config
