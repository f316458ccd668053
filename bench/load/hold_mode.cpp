// `hold`: a first report when all streams stand, a last one when stdin has said that it is enough.
#include <unistd.h>

#include <array>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "bench/load/hold.h"
#include "bench/load/modes.h"
#include "bench/load/report.h"

namespace agent_load {
namespace {

namespace net = boost::asio;
using Clock = std::chrono::steady_clock;

double secondsSince(SteadyTime begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Calls `done` once stdin has a line, or ends.
class LineWaiter {
 public:
  LineWaiter(net::io_context& io, std::function<void()> done)
      : stdin_(io, ::dup(STDIN_FILENO)), done_(std::move(done)) {
    wait();
  }

 private:
  void wait() {
    stdin_.async_read_some(net::buffer(room_),
                           [this](const boost::system::error_code& error, std::size_t size) {
                             if (error == net::error::operation_aborted) return;
                             const std::string_view text(room_.data(), size);
                             const bool line = text.find('\n') != std::string_view::npos;
                             error || line ? done_() : wait();
                           });
  }

  net::posix::stream_descriptor stdin_;
  std::function<void()> done_;
  std::array<char, 256> room_{};
};

Json firstReport(const HeldStreams& streams, double seconds) {
  Json json = {{"mode", "hold"}, {"open", streams.opened()}, {"failed", streams.failed()}};
  json["ended_by_peer"] = streams.endedByPeer();
  json["seconds"] = roundedTo(seconds, 6);
  json["ttft_us"] = toJson(streams.timeToFirst());
  json["status"] = statusesOf(streams.tally());
  json["errors"] = errorsOf(streams.tally());
  return json;
}

}  // namespace

int runHold(Network& network) {
  HeldStreams streams(network);
  std::optional<LineWaiter> line;
  SteadyTime began = Clock::now();
  bool settled = false;
  bool out_of_time = false;
  const auto report = [&] {
    settled = true;
    print(firstReport(streams, secondsSince(began)));
    began = Clock::now();
  };
  net::steady_timer deadline(network.io, network.options.timeout);
  deadline.async_wait([&](const boost::system::error_code& error) {
    if (error) return;
    out_of_time = true;
    network.io.stop();
  });
  streams.open([&] {
    report();
    line.emplace(network.io, [&] { network.io.stop(); });
  });
  network.io.run();

  Tally late;
  if (!settled) {
    streams.giveUp();
    report();
  } else if (out_of_time) {
    late.fail(ErrorKind::Deadline, "held until --timeout: no line came on stdin",
              streams.opened() - streams.endedByPeer());
  }
  const double held_seconds = secondsSince(began);
  streams.closeAll();
  Json json = {{"mode", "hold"}, {"closed", streams.opened() - streams.endedByPeer()}};
  json["ended_by_peer"] = streams.endedByPeer();
  json["events"] = streams.events();
  json["seconds"] = roundedTo(held_seconds, 6);
  json["errors"] = errorsOf(streams.tally());
  if (late.errors() > 0) json["errors"].update(errorsOf(late));
  print(json);
  explainErrors(streams.tally());
  explainErrors(late);
  return streams.opened() > 0 ? 0 : 1;
}

}  // namespace agent_load
