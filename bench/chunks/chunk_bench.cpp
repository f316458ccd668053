// What one chunk of an upstream's stream costs: the best of many runs over each input, as one JSON
// object.
//   chunk_bench
// "look_ns" is the look at a chunk's JSON alone, with all that is checked. "relay_ns" is everything
// that the relay of a plain model does with an event: its bytes into the shield, a clean chunk out
// of it, and that under our own head.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <string>

#include "bench/chunks/inputs.h"
#include "protocol/answer_shield.h"
#include "protocol/openai_answer.h"

namespace chunk_bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTimePerInput{300};
// Chunks in one sample: long enough for the clock's grain not to matter, short enough for some
// samples to pass undisturbed.
constexpr std::size_t kSample = 500;

const agw::protocol::AnswerIdentity kWho{"chatcmpl-3fYb2cXk9QmZr7TnWv5sLd1p", 1742812345,
                                         "demo/assistant"};

// One answer that never ends.
class Stream {
 public:
  explicit Stream(const Input& input)
      : shield_({true, "text/event-stream", "", [] { return std::string("call_bench"); }}) {
    for (const std::string& chunk : input.chunks) {
      events_.push_back("data: " + chunk + "\n\n");
    }
    shield_.feed(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},"
        "\"finish_reason\":null}]}\n\n");
    ready_ = take() > 0;
    // A call to go on with.
    shield_.feed(
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c\","
        "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"[\"}}]},"
        "\"finish_reason\":null}]}\n\n");
    ready_ = ready_ && take() > 0;
  }

  // The size of what goes to the client; 0 is a fault.
  std::size_t relay() {
    shield_.feed(events_[next_++ % events_.size()]);
    return take();
  }
  bool ready() const { return ready_; }

 private:
  std::size_t take() {
    const auto chunk = shield_.next();
    if (!chunk || !*chunk) return 0;
    return agw::protocol::rewriteChunk(kWho, **chunk).size();
  }

  agw::protocol::AnswerShield shield_;
  std::vector<std::string> events_;
  std::size_t next_ = 0;
  bool ready_ = false;
};

// Nanoseconds of one step, the best of all samples; negative when a step fails.
template <class Step>
double best(Step&& step) {
  double least = std::numeric_limits<double>::max();
  for (const auto begin = Clock::now(); Clock::now() - begin < kTimePerInput;) {
    bool good = true;
    const auto from = Clock::now();
    for (std::size_t i = 0; i < kSample; ++i) good &= step();
    const std::chrono::duration<double, std::nano> time = Clock::now() - from;
    if (!good) return -1;
    least = std::min(least, time.count() / static_cast<double>(kSample));
  }
  return least;
}

double lookTime(const Input& input) {
  agw::protocol::ChatLook look;
  std::size_t next = 0;
  return best([&] {
    const std::string& json = input.chunks[next++ % input.chunks.size()];
    std::size_t size = 0;
    return lookAtChat(json, look, size) == agw::protocol::LookFault::None && size == json.size();
  });
}

double relayTime(const Input& input) {
  Stream stream(input);
  if (!stream.ready()) return -1;
  return best([&] { return stream.relay() > 0; });
}

int run() {
  std::string separator = "{\"inputs\":[\n";
  for (const Input& input : inputs()) {
    const double look = lookTime(input);
    const double relay = relayTime(input);
    if (look < 0 || relay < 0) {
      std::fprintf(stderr, "chunk_bench: the shield refuses %s\n", input.name.c_str());
      return 1;
    }
    std::printf("%s {\"name\":\"%s\",\"bytes\":%zu,\"look_ns\":%.1f,\"relay_ns\":%.1f}",
                separator.c_str(), input.name.c_str(), input.chunks.front().size(), look, relay);
    separator = ",\n";
  }
  std::printf("\n]}\n");
  return 0;
}

}  // namespace
}  // namespace chunk_bench

int main() { return chunk_bench::run(); }
