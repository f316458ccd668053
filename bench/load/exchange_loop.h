// Runs exchanges over a fixed number of lanes: as fast as answers come, or at a given rate.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "bench/load/lane.h"

namespace agent_load {

struct Phase {
  std::uint64_t exchanges = 0;
  Meter* meter = nullptr;
  Tally* tally = nullptr;
  std::chrono::milliseconds stagger{0};  // the lanes' first starts are spread evenly over it
  double rate = 0;                       // exchanges per second; 0: each lane goes on at once
};

class ExchangeLoop final : public LaneOwner {
 public:
  ExchangeLoop(Network& network, std::size_t lanes);

  // One phase at a time. `done` comes from the io_context when all its exchanges have ended.
  void run(const Phase& phase, std::function<void()> done);
  // The run's time is over: what is in flight or has not begun is an error of the present phase.
  void giveUp();

  double seconds() const;  // from the first start to the last end of the present phase
  std::uint64_t connectionsOpened() const;

 private:
  void laneFree(Lane& lane) override;
  void beginNext(Lane& lane);
  void pace();
  SteadyTime intendedStart(std::uint64_t number) const;

  Network& network_;
  boost::asio::steady_timer timer_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<Lane*> free_;  // paced: lanes without work
  Phase phase_;
  std::function<void()> done_;
  SteadyTime began_{};
  SteadyTime ended_{};
  std::uint64_t due_ = 0;  // paced: exchanges whose intended start has come
  std::uint64_t begun_ = 0;
  std::uint64_t finished_ = 0;
};

}  // namespace agent_load
