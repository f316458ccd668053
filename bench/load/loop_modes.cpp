// `requests` and `streams`: a warm-up, then what is measured, over the same connections.
#include <boost/asio/steady_timer.hpp>

#include "bench/load/exchange_loop.h"
#include "bench/load/meters.h"
#include "bench/load/modes.h"
#include "bench/load/report.h"

namespace agent_load {
namespace {

struct LoopResult {
  double seconds = 0;
  std::uint64_t connections = 0;  // opened, warm-up included
  Tally tally;
  Tally warmup_tally;
};

LoopResult runLoop(Network& network, Meter& warmup_meter, Meter& meter) {
  const Options& options = network.options;
  LoopResult result;
  ExchangeLoop loop(network, options.connections);
  Phase warmup;
  warmup.exchanges = options.warmup;
  warmup.meter = &warmup_meter;
  warmup.tally = &result.warmup_tally;
  Phase measured;
  measured.exchanges = options.requests;
  measured.meter = &meter;
  measured.tally = &result.tally;
  measured.stagger = options.stagger;
  measured.rate = options.rate;

  bool warm = false;
  loop.run(warmup, [&] {
    warm = true;
    loop.run(measured, [&] { network.io.stop(); });
  });
  boost::asio::steady_timer deadline(network.io, options.timeout);
  deadline.async_wait([&](const boost::system::error_code& error) {
    if (error) return;
    loop.giveUp();
    if (!warm) {
      result.tally.fail(ErrorKind::Deadline, "the warm-up took longer than --timeout",
                        options.requests);
    }
    network.io.stop();
  });
  network.io.run();
  result.seconds = warm ? loop.seconds() : 0;
  result.connections = loop.connectionsOpened();
  return result;
}

void addCounts(Json& json, const LoopResult& result) {
  json["connections_opened"] = result.connections;
  json["status"] = statusesOf(result.tally);
  json["errors"] = errorsOf(result.tally);
  if (result.warmup_tally.errors() > 0) json["warmup_errors"] = errorsOf(result.warmup_tally);
  explainErrors(result.warmup_tally);
  explainErrors(result.tally);
}

}  // namespace

int runRequests(Network& network) {
  const Options& options = network.options;
  RequestMeter warmup(options.connections);
  std::optional<ExchangeFile> each;
  if (options.each_file) each.emplace(*options.each_file);
  RequestMeter meter(options.connections, each ? options.requests : 0);
  const LoopResult result = runLoop(network, warmup, meter);
  if (each) each->write(meter.each());
  const std::uint64_t ok = meter.latency().size();
  Json json = {{"mode", "requests"}, {"requests", options.requests}, {"ok", ok}};
  json["seconds"] = roundedTo(result.seconds, 6);
  json["per_second"] =
      result.seconds > 0 ? roundedTo(static_cast<double>(ok) / result.seconds, 1) : 0.0;
  json["bytes"] = meter.bytes();
  json["latency_us"] = toJson(meter.latency());
  addCounts(json, result);
  print(json);
  return ok > 0 ? 0 : 1;
}

int runStreams(Network& network) {
  StreamMeter warmup(network.options.connections);
  StreamMeter meter(network.options.connections);
  const LoopResult result = runLoop(network, warmup, meter);
  Json json = {{"mode", "streams"}, {"streams", network.options.requests}};
  json["complete"] = meter.completed();
  json["events"] = meter.events();
  json["reads"] = meter.reads();
  json["bytes"] = meter.bytes();
  json["seconds"] = roundedTo(result.seconds, 6);
  json["ttft_us"] = toJson(meter.timeToFirst());
  json["gap_us"] = toJson(meter.gaps());
  json["delay_us"] = toJson(meter.delays());
  addCounts(json, result);
  print(json);
  return meter.completed() > 0 ? 0 : 1;
}

}  // namespace agent_load
