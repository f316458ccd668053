// Reads whole files, and tells versions of one from another. No nginx in here: the key file is also
// read in a thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace agw {

// Which version of a file it is. All zeros: none.
struct FileVersion {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::int64_t modified_ns = 0;  // since 1970
  std::int64_t changed_ns = 0;
  std::int32_t error = 0;  // errno: the file could not be looked at
  std::int32_t unused = 0;
  bool operator==(const FileVersion&) const = default;
};

FileVersion versionOf(const char* path) noexcept;

// The whole file. On failure false, and `error` says why in words for the operator. `version` is
// that of what was read.
bool readWholeFile(const char* path, std::size_t max_size, std::string& text, FileVersion& version,
                   std::string& error);

}  // namespace agw
