// The first byte chooses a cut, the rest is the body. What the scanner accepts the parser must
// accept with the same values, and neither a cut nor the way of reading strings may change the
// result.
#include <cstdint>
#include <string_view>

#include "require.h"
#include "shared/scan_oracle.h"
#include "shared/scan_support.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view body{reinterpret_cast<const char*>(data) + 1, size - 1};
  const agw::ScanOutcome outcome = agw::scan(body);
  for (const agw::StringWay& way : agw::stringWays()) {
    require(agw::scan(body, way.skip) == outcome, std::string(way.name));
    require(agw::scanCut(body, body.size() * data[0] / 255, way.skip) == outcome,
            "one cut, " + std::string(way.name));
  }
  require(agw::scanByteByByte(body) == outcome, "byte by byte");
  if (outcome.status == agw::ScanStatus::Done) {
    const std::string difference = agw::disagreement(outcome, body);
    require(difference.empty(), difference);
  } else {
    require(!outcome.message.empty(), "a refusal has a message");
  }
  return 0;
}
