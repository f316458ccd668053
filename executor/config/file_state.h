// What tells one state of a file from another, without reading it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace agw::config {

struct FileState {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified_ns = 0;  // Unix time, as all here
  std::int64_t changed_ns = 0;
  int error = 0;  // errno: a file that cannot be read is a state, too
  std::int64_t taken_ns = 0;

  // Whatever the time at which they were taken.
  bool operator==(const FileState& other) const;
  // The file changed just before: a further change may bear the same time, as clocks of file
  // systems tick.
  bool isFresh() const;
};

FileState stateOf(const std::string& file);

struct SeenFile {
  std::string path;  // absolute
  FileState state;   // taken before the file was read
};

}  // namespace agw::config
