// Waiting for a lock on a file, never for longer than agreed.
#pragma once

#include <chrono>
#include <string>

#include "io/unique_fd.h"

namespace agw::cli {

// An exclusive flock(2), held until the descriptor is closed. What went wrong, or an empty text;
// `path` is for that text alone.
std::string waitForLock(int fd, const std::string& path, std::chrono::milliseconds deadline);

// The same on a file that exists for this alone; it is made when missing, and stays: removing it
// would let two programs lock two files of one name.
std::string lockFile(const std::string& path, std::chrono::milliseconds deadline, io::UniqueFd& fd);

}  // namespace agw::cli
