// The latest errors of agents, for administrators. Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace agw::telemetry {

struct AgentError {
  std::int64_t unix_millis = 0;
  std::string event;  // as in the log
  std::string message;
  std::string request_id;   // of a run
  std::string agent_id;     // empty: of no single agent
  std::string module_path;  // of an agent that is code
  std::string error_stage;  // "configuration", "build" or "run"
  std::string details;      // for administrators alone; no secret
};

class RecentErrors {
 public:
  static constexpr std::size_t kMost = 200;
  static constexpr std::size_t kMaxText = 1024;  // of message and details, each; bytes

  // Sets the time. The oldest one makes room.
  void add(AgentError error);
  std::vector<AgentError> newestFirst() const;

 private:
  mutable std::mutex mutex_;
  std::deque<AgentError> errors_;
};

}  // namespace agw::telemetry
