// What the tests of `agent-executor keys` share: a folder, a clock that stands still, and ways to
// make the system refuse.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "cli/keys.h"
#include "io/temp_dir.h"

namespace agw::cli::test {

inline constexpr std::int64_t kNow = 1'800'000'000;  // 2027-01-15T08:00:00Z
inline constexpr uid_t kNobody = 65534;

// Hashes that tell apart in their first eight digits; nobody knows a secret for them.
inline std::string hex(char digit) { return std::string(64, digit); }
inline std::string line(const std::string& id, char digit, const std::string& words = {}) {
  return id + " sha256:" + hex(digit) + (words.empty() ? "" : " " + words) + "\n";
}

inline std::string readFile(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::vector<std::string> linesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string one; std::getline(stream, one);) lines.push_back(one);
  return lines;
}

inline mode_t modeOf(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

// Files can grow to this size and no further, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit lower{bytes, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &lower), 0);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

// Root may write everywhere: for a while it is somebody who may not.
class WithoutRoot {
 public:
  WithoutRoot() : was_root_(::geteuid() == 0) {
    if (was_root_ && ::seteuid(kNobody) != 0) ADD_FAILURE() << "root cannot become nobody";
  }
  ~WithoutRoot() {
    if (was_root_ && ::seteuid(0) != 0) std::abort();  // the other tests need it
  }
  WithoutRoot(const WithoutRoot&) = delete;
  WithoutRoot& operator=(const WithoutRoot&) = delete;

 private:
  bool was_root_;
};

class KeysTest : public ::testing::Test {
 protected:
  KeysContext context() {
    return {.file = file(),
            .audit_file = {},
            .now_unix = now_,
            .actor = {1000, "oper", "admin"},
            .lock_deadline = std::chrono::milliseconds(60),
            .show_secret =
                [this](const KeySecret& secret) {
                  shown_.emplace_back(secret.text());
                  return show_error_;
                },
            .err = err_};
  }

  std::string file() const { return dir_.file("api_keys"); }
  std::string text() const { return readFile(file()); }
  std::string audit() const { return readFile(file() + ".audit"); }
  void write(const std::string& content) const { dir_.write("api_keys", content); }

  int add(const std::string& id, std::vector<KeyWord> words = {}) {
    return addKey(context(), id, std::move(words));
  }
  int revoke(const std::string& id, const std::string& prefix = {}) {
    return revokeKeys(context(), id, prefix);
  }
  int rotate(const std::string& id, const std::string& grace = {}) {
    return rotateKey(context(), id, grace);
  }

  // What was said since the last call.
  std::string said() {
    std::string all = err_.str();
    err_.str({});
    return all;
  }
  void expectNothingChanged(const std::string& before) {
    EXPECT_EQ(text(), before);
    EXPECT_EQ(::access((dir_.file(".api_keys.agent-executor-new")).c_str(), F_OK), -1);
  }

  io::test::TempDir dir_;
  std::int64_t now_ = kNow;
  std::ostringstream err_;
  std::vector<std::string> shown_;
  std::string show_error_;
};

}  // namespace agw::cli::test
