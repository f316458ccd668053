#include "bench/load/lane.h"

#include <utility>

namespace agent_load {

Lane::Lane(Network& network, LaneOwner& owner, std::size_t number)
    : network_(network), owner_(owner), number_(number) {}

Lane::~Lane() {
  if (connection_) connection_->close();
}

void Lane::begin(Meter& meter, Tally& tally, std::optional<SteadyTime> intended) {
  meter_ = &meter;
  tally_ = &tally;
  intended_ = intended;
  if (connection_) return onOpen();
  connection_ = std::make_shared<Connection>(network_, *this);
  ++opened_;
  connection_->open();
}

void Lane::onOpen() {
  const std::string_view request = network_.request.render(network_.nextId(), room_);
  meter_->begin(number_, intended_.value_or(std::chrono::steady_clock::now()));
  connection_->send(request);
}

void Lane::onBody(std::string_view bytes, const Moment& now) { meter_->body(number_, bytes, now); }

void Lane::onAnswer(const Moment& now) {
  const unsigned status = connection_->status();
  tally_->status(status);
  if (status != network_.options.expect_status) {
    tally_->fail(ErrorKind::Status, "status " + std::to_string(status));
  } else if (const char* problem = meter_->complete(number_, now)) {
    tally_->fail(ErrorKind::Incomplete, problem);
  }
  meter_->end(number_, connection_->bodyReads());
  if (!connection_->reusable()) {
    connection_->close();
    connection_.reset();
  }
  finish();
}

void Lane::onFailure(ErrorKind kind, const std::string& message) {
  const auto connection = std::move(connection_);
  if (!meter_) return;  // the peer closed a connection that was not in use
  if (connection->status() != 0) tally_->status(connection->status());
  tally_->fail(kind, message);
  meter_->end(number_, connection->bodyReads());
  finish();
}

void Lane::finish() {
  meter_ = nullptr;
  owner_.laneFree(*this);
}

}  // namespace agent_load
