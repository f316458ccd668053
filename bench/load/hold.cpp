#include "bench/load/hold.h"

#include <algorithm>
#include <utility>

namespace agent_load {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kTick{5};
// Handshakes in progress: more of them only make each one slower, until the deadline hits.
constexpr std::uint64_t kMaxOpening = 256;

}  // namespace

class HeldStreams::Stream final : public ConnectionOwner {
 public:
  Stream(Network& network, HeldStreams& all)
      : network_(network), all_(all), connection_(std::make_shared<Connection>(network, *this)) {
    connection_->open();
  }
  ~Stream() override { connection_->close(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

 private:
  void onOpen() override {
    --all_.opening_;
    on_the_wire_ = true;
    request_time_ = Clock::now();
    connection_->send(network_.request.render(network_.nextId(), room_));
  }

  void onWritten() override { room_ = std::string(); }

  void onBody(std::string_view bytes, const Moment& now) override {
    scanner_.feed(bytes, [&](std::string_view) { event(now); });
  }

  void event(const Moment& now) {
    ++all_.events_;
    if (held_ || connection_->status() != network_.options.expect_status) return;
    held_ = true;
    connection_->allowSilence();
    all_.time_to_first_.add(now.steady - request_time_);
    ++all_.opened_;
    all_.tally_.status(connection_->status());
    all_.settleOne();
  }

  void onAnswer(const Moment&) override {
    const unsigned status = connection_->status();
    connection_->close();
    if (held_) {
      ++all_.ended_;
      return;
    }
    all_.tally_.status(status);
    if (status != network_.options.expect_status) {
      return failed(ErrorKind::Status, "status " + std::to_string(status));
    }
    failed(ErrorKind::Incomplete, "an answer without an event");
  }

  void onFailure(ErrorKind kind, const std::string& message) override {
    if (!on_the_wire_) --all_.opening_;
    if (!held_) return failed(kind, message);
    ++all_.ended_;
    all_.tally_.fail(kind, message);
  }

  void failed(ErrorKind kind, const std::string& message) {
    all_.tally_.fail(kind, message);
    ++all_.failed_;
    all_.settleOne();
  }

  Network& network_;
  HeldStreams& all_;
  std::shared_ptr<Connection> connection_;
  SseScanner scanner_;
  SteadyTime request_time_{};
  std::string room_;          // of the request while it is being written
  bool on_the_wire_ = false;  // TCP and TLS stand
  bool held_ = false;         // had its first event
};

HeldStreams::HeldStreams(Network& network) : network_(network), timer_(network.io) {
  streams_.reserve(network.options.connections);
}

HeldStreams::~HeldStreams() = default;

void HeldStreams::open(std::function<void()> settled) {
  settled_ = std::move(settled);
  began_ = Clock::now();
  openDue();
}

void HeldStreams::openDue() {
  const Options& options = network_.options;
  const double elapsed = std::chrono::duration<double>(Clock::now() - began_).count();
  const auto due = static_cast<std::uint64_t>(
      std::min(elapsed * options.open_rate + 1, static_cast<double>(options.connections)));
  while (begun_ < due && opening_ < kMaxOpening) {
    ++begun_;
    ++opening_;
    streams_.push_back(std::make_unique<Stream>(network_, *this));
  }
  if (begun_ == options.connections) return;
  timer_.expires_after(kTick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) openDue();
  });
}

void HeldStreams::settleOne() {
  if (opened_ + failed_ == network_.options.connections) settled_();
}

void HeldStreams::giveUp() {
  timer_.cancel();
  const std::uint64_t left = network_.options.connections - opened_ - failed_;
  tally_.fail(ErrorKind::Deadline, "the run took longer than --timeout", left);
  failed_ += left;
}

void HeldStreams::closeAll() { streams_.clear(); }

}  // namespace agent_load
