// Opens streams at a steady pace and keeps them open.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "bench/load/connection.h"
#include "bench/load/samples.h"
#include "bench/load/sse_scanner.h"

namespace agent_load {

class HeldStreams {
 public:
  explicit HeldStreams(Network& network);
  ~HeldStreams();
  HeldStreams(const HeldStreams&) = delete;
  HeldStreams& operator=(const HeldStreams&) = delete;

  // `settled`: every stream has had its first event or has failed.
  void open(std::function<void()> settled);
  void closeAll();
  // The run's time is over before all have settled.
  void giveUp();

  std::uint64_t opened() const { return opened_; }  // had their first event
  std::uint64_t failed() const { return failed_; }
  std::uint64_t endedByPeer() const { return ended_; }  // after their first event
  std::uint64_t events() const { return events_; }
  const Samples& timeToFirst() const { return time_to_first_; }
  const Tally& tally() const { return tally_; }

 private:
  class Stream;

  void openDue();
  void settleOne();

  Network& network_;
  boost::asio::steady_timer timer_;
  std::function<void()> settled_;
  SteadyTime began_{};
  std::vector<std::unique_ptr<Stream>> streams_;
  std::uint64_t begun_ = 0;
  std::uint64_t opening_ = 0;  // without TCP and TLS yet
  std::uint64_t opened_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t events_ = 0;
  Samples time_to_first_;
  Tally tally_;
};

}  // namespace agent_load
