// What the executor counts: each thread into a shard of its own, added up when somebody asks.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
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

struct Counts {
  void add(const Counts& other);

  // By whether they were streamed, and status (499: the client left).
  std::map<std::pair<bool, int>, std::uint64_t> requests;
  Timings request_timings;
  std::map<std::string, ToolCounts, std::less<>> tools;
};

// One thread's. Every call may come from any thread.
class MetricsShard {
 public:
  void addRequest(bool is_streaming, int status, double seconds);
  // `tool` and `provider` come from the configuration, never from a client or a model: labels stay
  // few. Beyond kMaxNames tools, over all configurations, the rest count as "other".
  void addToolCall(std::string_view tool, std::string_view provider, Outcome outcome,
                   double seconds);
  Counts counts() const;

  static constexpr std::size_t kMaxNames = 2000;

 private:
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
