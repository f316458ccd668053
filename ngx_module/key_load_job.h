// One look at the key file, and its load when it has changed: the work of a thread, which touches
// neither nginx nor anything that requests use. No nginx in here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ngx_module/file_reader.h"
#include "ngx_module/key_file.h"
#include "ngx_module/key_table.h"

namespace agw {

inline constexpr std::size_t kMaxKeyFile = std::size_t{1} << 30;
// How long before its expires= time a key is warned of.
inline constexpr std::int64_t kExpiryWarning = 7 * 86'400;  // seconds

struct KeyLoadJob {
  // What to look at. `judged`: the version that was loaded or refused; `seen`: that of the last
  // look.
  const char* path = nullptr;
  KeyTable* table = nullptr;
  FileVersion judged;
  FileVersion seen;
  bool look_at_expiry = false;

  enum class Result : std::uint8_t {
    Unchanged,
    Unsettled,  // may still be written to: look again
    Loaded,     // the idle half holds it; publish() makes it live
    Refused,    // `errors` say why
  };
  Result result = Result::Unchanged;
  FileVersion version;
  std::vector<KeyFileError> errors;
  std::uint64_t keys = 0;
  std::uint64_t text_used = 0;
  std::uint64_t microseconds = 0;
  bool has_expiry = false;  // of the live half, counted where look_at_expiry asked for it
  ExpiryCount expiry;
};

// Takes a file when two looks in a row found the same version, so that one which is being written
// is left alone; one without a line end at its end waits until it is two seconds old.
void runKeyLoadJob(KeyLoadJob& job) noexcept;

}  // namespace agw
