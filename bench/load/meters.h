// What `requests` and `streams` measure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "bench/load/exchange_file.h"
#include "bench/load/lane.h"
#include "bench/load/samples.h"
#include "bench/load/sse_scanner.h"

namespace agent_load {

class RequestMeter : public Meter {
 public:
  // `kept`: for how many exchanges there is room in each(); the others are only in latency().
  explicit RequestMeter(std::size_t lanes, std::size_t kept = 0);

  void begin(std::size_t lane, SteadyTime start) override { starts_[lane] = start; }
  void body(std::size_t, std::string_view bytes, const Moment&) override { bytes_ += bytes.size(); }
  const char* complete(std::size_t lane, const Moment& now) override;

  const Samples& latency() const { return latency_; }
  const std::vector<Exchange>& each() const { return each_; }
  std::uint64_t bytes() const { return bytes_; }  // of bodies

 private:
  std::vector<SteadyTime> starts_;
  std::size_t kept_;
  std::vector<Exchange> each_;
  Samples latency_;
  std::uint64_t bytes_ = 0;
};

class StreamMeter : public Meter {
 public:
  explicit StreamMeter(std::size_t lanes) : streams_(lanes) {}

  void begin(std::size_t lane, SteadyTime start) override;
  void body(std::size_t lane, std::string_view bytes, const Moment& now) override;
  const char* complete(std::size_t lane, const Moment& now) override;
  void end(std::size_t lane, std::uint64_t body_reads) override;

  const Samples& timeToFirst() const { return time_to_first_; }
  const Samples& gaps() const { return gaps_; }
  const Samples& delays() const { return delays_; }
  std::uint64_t completed() const { return complete_; }
  std::uint64_t events() const { return events_; }
  std::uint64_t reads() const { return reads_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Stream {
    SseScanner scanner;
    SteadyTime start{};
    std::optional<SteadyTime> last_event;
    bool done = false;  // [DONE] was the last event
  };
  void event(Stream& stream, std::string_view payload, const Moment& now);

  std::vector<Stream> streams_;
  Samples time_to_first_;
  Samples gaps_;
  Samples delays_;
  std::uint64_t complete_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t reads_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace agent_load
