// What went wrong, and which statuses came: nothing is dropped in silence.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

namespace agent_load {

enum class ErrorKind {
  Connect,     // TCP
  Tls,         // handshake or certificate
  Timeout,     // a wait took longer than its limit
  Closed,      // the peer closed or reset before the answer was whole
  Protocol,    // what came is not HTTP, or came unasked
  Status,      // another status than the expected one
  Incomplete,  // a whole HTTP answer without [DONE], or without an event
  TooLate,     // the answer was whole before it could be broken off
  Deadline,    // not finished, or never begun, when the time of the run was over
};
inline constexpr std::size_t kErrorKinds = 9;

const char* nameOf(ErrorKind kind);

class Tally {
 public:
  // The first message of each kind is kept as an example.
  void fail(ErrorKind kind, const std::string& message, std::uint64_t times = 1);
  void status(unsigned status) { ++statuses_[status]; }

  std::uint64_t errors(ErrorKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  std::uint64_t errors() const;
  const std::string& example(ErrorKind kind) const {
    return examples_[static_cast<std::size_t>(kind)];
  }
  const std::map<unsigned, std::uint64_t>& statuses() const { return statuses_; }

 private:
  std::array<std::uint64_t, kErrorKinds> counts_{};
  std::array<std::string, kErrorKinds> examples_;
  std::map<unsigned, std::uint64_t> statuses_;
};

}  // namespace agent_load
