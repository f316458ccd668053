// The key file on disk: one editor at a time, and a change that is there whole or not at all.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <string>
#include <string_view>

#include "config/file_reader.h"
#include "io/unique_fd.h"

namespace agw::cli {

// The whole file, of at most kMaxKeyFile bytes. It needs no lock: the file is replaced as a whole.
config::FileText readKeyFile(const std::string& path);

enum class IfMissing { Create, Refuse };

// open, prepare, replace, syncFolder, in this order. Each returns what went wrong, for the operator
// to read, or an empty text. The lock is held until the object goes.
class KeyFileStore {
 public:
  KeyFileStore() = default;
  ~KeyFileStore();
  KeyFileStore(const KeyFileStore&) = delete;
  KeyFileStore& operator=(const KeyFileStore&) = delete;

  // Follows links, locks `<file>.lock` and reads. With IfMissing::Create a missing file is an empty
  // one.
  std::string open(const std::string& file, IfMissing missing, std::chrono::milliseconds deadline);

  const std::string& path() const { return path_; }  // without links
  const std::string& text() const { return text_; }
  bool isNew() const { return is_new_; }

  // Writes the new text beside the file, with its mode, owner and ACL, and down to the disk. A new
  // file gets 0640.
  std::string prepare(std::string_view text);
  // Puts it in place, unless somebody who knows no lock has changed the file since open.
  std::string replace();
  // Makes the replacement survive a power failure. It has happened whatever this returns.
  std::string syncFolder() const;

 private:
  std::string resolve(const std::string& file, IfMissing missing);
  std::string copyAttributes(int fd) const;
  bool isUnchanged() const;

  std::string path_;
  std::string folder_;
  std::string temp_;  // not empty: that file exists and is ours
  std::string text_;
  bool is_new_ = false;
  struct stat status_ {};
  io::UniqueFd lock_;
};

}  // namespace agw::cli
