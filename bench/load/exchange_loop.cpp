#include "bench/load/exchange_loop.h"

#include <utility>

#include <boost/asio/post.hpp>

namespace agent_load {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

ExchangeLoop::ExchangeLoop(Network& network, std::size_t lanes)
    : network_(network), timer_(network.io) {
  for (std::size_t i = 0; i < lanes; ++i) {
    lanes_.push_back(std::make_unique<Lane>(network, *this, i));
  }
}

void ExchangeLoop::run(const Phase& phase, std::function<void()> done) {
  phase_ = phase;
  done_ = std::move(done);
  due_ = begun_ = finished_ = 0;
  began_ = ended_ = Clock::now();
  free_.clear();
  if (phase_.exchanges == 0) {
    boost::asio::post(network_.io, done_);
    return;
  }
  if (phase_.rate > 0) {
    for (const auto& lane : lanes_) free_.push_back(lane.get());
    return pace();
  }
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    auto timer = std::make_shared<boost::asio::steady_timer>(
        network_.io, began_ + phase_.stagger * i / lanes_.size());
    timer->async_wait(
        [this, timer, lane = lanes_[i].get()](const boost::system::error_code& error) {
          if (!error) beginNext(*lane);
        });
  }
}

void ExchangeLoop::beginNext(Lane& lane) {
  if (begun_ == phase_.exchanges) return;
  ++begun_;
  lane.begin(*phase_.meter, *phase_.tally, std::nullopt);
}

SteadyTime ExchangeLoop::intendedStart(std::uint64_t number) const {
  const std::chrono::duration<double> offset(static_cast<double>(number) / phase_.rate);
  return began_ + std::chrono::duration_cast<Clock::duration>(offset);
}

void ExchangeLoop::pace() {
  const auto now = Clock::now();
  while (due_ < phase_.exchanges && intendedStart(due_) <= now) ++due_;
  while (begun_ < due_ && !free_.empty()) {
    Lane* const lane = free_.back();
    free_.pop_back();
    lane->begin(*phase_.meter, *phase_.tally, intendedStart(begun_++));
  }
  if (due_ == phase_.exchanges) return;
  timer_.expires_at(intendedStart(due_));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) pace();
  });
}

void ExchangeLoop::laneFree(Lane& lane) {
  ended_ = Clock::now();
  if (++finished_ == phase_.exchanges) {
    boost::asio::post(network_.io, done_);
    return;
  }
  if (phase_.rate == 0) return beginNext(lane);
  if (begun_ < due_) {
    lane.begin(*phase_.meter, *phase_.tally, intendedStart(begun_++));
  } else {
    free_.push_back(&lane);
  }
}

void ExchangeLoop::giveUp() {
  ended_ = Clock::now();
  phase_.tally->fail(ErrorKind::Deadline, "the run took longer than --timeout",
                     phase_.exchanges - finished_);
}

double ExchangeLoop::seconds() const {
  return std::chrono::duration<double>(ended_ - began_).count();
}

std::uint64_t ExchangeLoop::connectionsOpened() const {
  std::uint64_t opened = 0;
  for (const auto& lane : lanes_) opened += lane->connectionsOpened();
  return opened;
}

}  // namespace agent_load
