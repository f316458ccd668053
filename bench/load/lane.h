// One connection's worth of work: exchange after exchange, with a new connection where the last one
// cannot be used again.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "bench/load/connection.h"

namespace agent_load {

class Lane;

// What is measured in the exchanges of a phase.
class Meter {
 public:
  virtual ~Meter() = default;
  virtual void begin(std::size_t lane, SteadyTime start) = 0;
  virtual void body(std::size_t lane, std::string_view bytes, const Moment& now) = 0;
  // A whole answer with the expected status. ErrorKind::Incomplete when it is not what it should
  // be; nullptr when all is well.
  virtual const char* complete(std::size_t lane, const Moment& now) = 0;
  // Comes last in every exchange. `body_reads`: reads that returned something of the body.
  virtual void end(std::size_t /*lane*/, std::uint64_t /*body_reads*/) {}
};

class LaneOwner {
 public:
  virtual void laneFree(Lane& lane) = 0;

 protected:
  ~LaneOwner() = default;
};

class Lane final : public ConnectionOwner {
 public:
  Lane(Network& network, LaneOwner& owner, std::size_t number);
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane() override;

  // `intended`: when a paced run wants it to start; time is measured from then on. Without it, from
  // the moment at which the request is written.
  void begin(Meter& meter, Tally& tally, std::optional<SteadyTime> intended);
  std::uint64_t connectionsOpened() const { return opened_; }

 private:
  void onOpen() override;
  void onBody(std::string_view bytes, const Moment& now) override;
  void onAnswer(const Moment& now) override;
  void onFailure(ErrorKind kind, const std::string& message) override;
  void finish();

  Network& network_;
  LaneOwner& owner_;
  const std::size_t number_;
  std::shared_ptr<Connection> connection_;  // null: none that can be used
  Meter* meter_ = nullptr;                  // null: no exchange in progress
  Tally* tally_ = nullptr;
  std::optional<SteadyTime> intended_;
  std::string room_;  // of the request
  std::uint64_t opened_ = 0;
};

}  // namespace agent_load
