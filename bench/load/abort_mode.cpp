// `abort`: breaks requests off from the client's side and says when.
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "bench/load/connection.h"
#include "bench/load/modes.h"
#include "bench/load/report.h"
#include "bench/load/sse_scanner.h"

namespace agent_load {
namespace {

namespace net = boost::asio;

struct Aborts {
  Json list = Json::array();
  std::uint64_t begun = 0;
  std::uint64_t finished = 0;
  Tally tally;
};

// Makes one connection after the other and breaks each off.
class Aborter final : public ConnectionOwner {
 public:
  Aborter(Network& network, Aborts& aborts)
      : network_(network), aborts_(aborts), timer_(network.io) {}
  ~Aborter() override {
    if (connection_) connection_->close();
  }
  Aborter(const Aborter&) = delete;
  Aborter& operator=(const Aborter&) = delete;

  void beginNext() {
    if (aborts_.begun == network_.options.count) return;
    ++aborts_.begun;
    armed_ = false;
    scanner_.reset();
    id_ = network_.nextId();
    connection_ = std::make_shared<Connection>(network_, *this);
    connection_->open();
  }

 private:
  void onOpen() override { connection_->send(network_.request.render(id_, room_)); }

  void onWritten() override {
    if (network_.options.phase == AbortPhase::Sent) arm();
  }

  void onBody(std::string_view bytes, const Moment&) override {
    if (network_.options.phase != AbortPhase::Event || armed_) return;
    if (connection_->status() != network_.options.expect_status) return;
    scanner_.feed(bytes, [this](std::string_view) {
      if (!armed_) arm();
    });
  }

  void onAnswer(const Moment&) override {
    const unsigned status = connection_->status();
    aborts_.tally.status(status);
    if (status != network_.options.expect_status) {
      aborts_.tally.fail(ErrorKind::Status, "status " + std::to_string(status));
    } else {
      aborts_.tally.fail(ErrorKind::TooLate, "the answer was whole before it was broken off");
    }
    finish();
  }

  void onFailure(ErrorKind kind, const std::string& message) override {
    aborts_.tally.fail(kind, message);
    finish();
  }

  void arm() {
    armed_ = true;
    timer_.expires_after(network_.options.after);
    timer_.async_wait([this, id = id_](const boost::system::error_code& error) {
      if (!error && armed_ && id == id_) breakOff();
    });
  }

  void breakOff() {
    // Before the call: on loopback the peer may know of it before close() returns.
    const std::int64_t microseconds = unixNanoseconds() / 1000;
    const double closed = static_cast<double>(microseconds) / 1e6;
    connection_->close();
    if (const unsigned status = connection_->status()) aborts_.tally.status(status);
    aborts_.list.push_back({{"id", id_}, {"closed", closed}});
    finish();
  }

  void finish() {
    armed_ = false;
    timer_.cancel();
    connection_->close();
    connection_.reset();
    if (++aborts_.finished == network_.options.count) return network_.io.stop();
    beginNext();
  }

  Network& network_;
  Aborts& aborts_;
  net::steady_timer timer_;
  std::shared_ptr<Connection> connection_;
  SseScanner scanner_;
  std::string id_;
  std::string room_;    // of the request
  bool armed_ = false;  // the timer of this connection runs
};

}  // namespace

int runAbort(Network& network) {
  const Options& options = network.options;
  Aborts aborts;
  std::vector<std::unique_ptr<Aborter>> aborters;
  for (std::uint64_t i = 0; i < std::min(options.connections, options.count); ++i) {
    aborters.push_back(std::make_unique<Aborter>(network, aborts));
    aborters.back()->beginNext();
  }
  net::steady_timer deadline(network.io, options.timeout);
  deadline.async_wait([&](const boost::system::error_code& error) {
    if (error) return;
    aborts.tally.fail(ErrorKind::Deadline, "the run took longer than --timeout",
                      options.count - aborts.finished);
    network.io.stop();
  });
  network.io.run();
  aborters.clear();
  const bool any = !aborts.list.empty();
  Json json = {{"mode", "abort"}, {"count", options.count}};
  json["aborts"] = std::move(aborts.list);
  json["status"] = statusesOf(aborts.tally);
  json["errors"] = errorsOf(aborts.tally);
  print(json);
  explainErrors(aborts.tally);
  return any ? 0 : 1;
}

}  // namespace agent_load
