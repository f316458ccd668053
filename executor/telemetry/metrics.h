// What the executor counts: each thread into a shard of its own, added up when somebody asks.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace agw::telemetry {

// Durations, in seconds.
struct Timings {
  static constexpr std::array kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,  0.25,
                                         0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0, 300.0};

  void add(double seconds);
  void add(const Timings& other);

  std::array<std::uint64_t, kBounds.size() + 1> buckets{};  // the last: longer than every bound
  std::uint64_t count = 0;
  double sum = 0;
  double least = 0;  // of no value: 0
  double most = 0;
};

enum class Outcome { Ok, Error };

struct ToolCounts {
  std::string provider;
  std::uint64_t ok = 0;
  std::uint64_t errors = 0;
  Timings timings;
};

// How a call of an upstream ended.
enum class UpstreamOutcome {
  Ok,
  RateLimited,
  Timeout,
  Unreachable,
  Auth,         // it refuses our credential
  Refused,      // it refuses the request: 400, 404, 422
  Failed,       // it says that it failed
  Truncated,    // inside the answer
  Invalid,      // what it says is not the protocol
  Cancelled,    // by us: the client left, the run was over
  Overloaded,   // not asked: no slot came free
  CircuitOpen,  // not asked: its breaker is open
};
inline constexpr std::size_t kUpstreamOutcomes = 12;
std::string_view upstreamOutcomeName(UpstreamOutcome outcome);

struct UpstreamCall {
  UpstreamOutcome outcome = UpstreamOutcome::Cancelled;
  double seconds = 0;                           // without the wait for a slot
  std::optional<double> header_seconds{};       // until the answer was accepted
  std::optional<double> first_token_seconds{};  // of a stream
  std::uint64_t prompt_tokens = 0;              // 0: not told
  std::uint64_t completion_tokens = 0;
};

struct UpstreamCounts {
  void add(const UpstreamCounts& other);

  std::array<std::uint64_t, kUpstreamOutcomes> calls{};  // by UpstreamOutcome
  std::uint64_t retries = 0;                             // of the same call at this upstream
  std::uint64_t failovers = 0;                           // from this upstream to another one
  Timings durations;
  Timings headers;
  Timings first_tokens;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
};

struct Counts {
  void add(const Counts& other);

  // By whether they were streamed, and status (499: the client left).
  std::map<std::pair<bool, int>, std::uint64_t> requests;
  Timings request_timings;
  std::map<std::string, ToolCounts, std::less<>> tools;
  std::map<std::string, UpstreamCounts, std::less<>> upstreams;
};

// One thread's. Every call may come from any thread.
class MetricsShard {
 public:
  void addRequest(bool is_streaming, int status, double seconds);
  // `tool` and `provider` come from the configuration, never from a client or a model: labels stay
  // few. Beyond kMaxNames tools, over all configurations, the rest count as "other".
  void addToolCall(std::string_view tool, std::string_view provider, Outcome outcome,
                   double seconds);
  // `upstream` as above.
  void addUpstreamCall(std::string_view upstream, const UpstreamCall& call);
  void addUpstreamRetry(std::string_view upstream);
  void addUpstreamFailover(std::string_view upstream);
  Counts counts() const;

  static constexpr std::size_t kMaxNames = 2000;

 private:
  UpstreamCounts& upstream(std::string_view name);  // under the lock

  mutable std::mutex mutex_;  // only a reader of all shards ever contends for it
  Counts counts_;
};

class Metrics {
 public:
  // Lives as long as the metrics.
  MetricsShard& addShard();
  Counts counts() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<MetricsShard>> shards_;
};

}  // namespace agw::telemetry
