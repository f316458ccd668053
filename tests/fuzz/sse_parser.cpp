// SseParser: however the bytes are cut, the events are the same, none is empty, and none is over
// the limit. The first two bytes of the input choose the cuts.
#include "protocol/sse.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kMaxLine = 256;
constexpr std::size_t kMaxEvent = 512;

struct Outcome {
  std::vector<agw::protocol::SseEvent> events;
  bool failed = false;
  std::string last_id;
};

void require(bool holds) {
  if (!holds) std::abort();
}

// True while there is more to ask for.
bool collect(agw::Result<std::optional<agw::protocol::SseEvent>> got, Outcome& out) {
  if (!got) {
    out.failed = true;
    return false;
  }
  if (!*got) return false;
  require(!(*got)->data.empty() && (*got)->data.size() <= kMaxEvent);
  out.events.push_back(std::move(**got));
  return true;
}

Outcome parse(std::string_view bytes, std::size_t first, std::size_t step) {
  agw::protocol::SseParser parser(kMaxLine, kMaxEvent);
  Outcome out;
  std::size_t piece = first;
  while (!bytes.empty() && !out.failed) {
    const std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    parser.feed(part);
    while (collect(parser.next(), out)) {
    }
    piece = step;
  }
  while (!out.failed && collect(parser.finish(), out)) {
  }
  out.last_id = parser.lastEventId();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t first = data[0] + 1u;
  const std::size_t step = data[1] % 16 + 1u;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = parse(bytes, bytes.size() + 1, 1);
  const Outcome cut = parse(bytes, first, step);
  require(whole.failed == cut.failed);
  require(whole.events.size() == cut.events.size());
  for (std::size_t i = 0; i < whole.events.size(); ++i) {
    require(whole.events[i].data == cut.events[i].data);
    require(whole.events[i].type == cut.events[i].type);
    require(whole.events[i].id == cut.events[i].id);
  }
  require(whole.failed || whole.last_id == cut.last_id);
  return 0;
}
