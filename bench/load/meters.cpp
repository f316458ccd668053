#include "bench/load/meters.h"

#include "bench/load/stamp.h"

namespace agent_load {

RequestMeter::RequestMeter(std::size_t lanes, std::size_t kept) : starts_(lanes), kept_(kept) {
  each_.reserve(kept);
}

const char* RequestMeter::complete(std::size_t lane, const Moment& now) {
  const std::chrono::nanoseconds took = now.steady - starts_[lane];
  latency_.add(took);
  if (each_.size() < kept_) each_.push_back({now.unix_ns - took.count(), took.count()});
  return nullptr;
}

void StreamMeter::begin(std::size_t lane, SteadyTime start) {
  Stream& stream = streams_[lane];
  stream.scanner.reset();
  stream.start = start;
  stream.last_event.reset();
  stream.done = false;
}

void StreamMeter::body(std::size_t lane, std::string_view bytes, const Moment& now) {
  Stream& stream = streams_[lane];
  bytes_ += bytes.size();
  stream.scanner.feed(bytes, [&](std::string_view payload) { event(stream, payload, now); });
}

void StreamMeter::event(Stream& stream, std::string_view payload, const Moment& now) {
  ++events_;
  if (stream.last_event) {
    gaps_.add(now.steady - *stream.last_event);
  } else {
    time_to_first_.add(now.steady - stream.start);
  }
  stream.last_event = now.steady;
  stream.done = payload == kDone;
  if (const auto stamp = findStamp(payload)) {
    delays_.add(std::chrono::nanoseconds(now.unix_ns - *stamp));
  }
}

const char* StreamMeter::complete(std::size_t lane, const Moment&) {
  if (!streams_[lane].done) return "an answer that does not end with [DONE]";
  ++complete_;
  return nullptr;
}

void StreamMeter::end(std::size_t, std::uint64_t body_reads) { reads_ += body_reads; }

}  // namespace agent_load
