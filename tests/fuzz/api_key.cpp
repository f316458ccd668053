// A key line: what is accepted has only values that the edge can use, and no error shows a hash.
#include <cstdint>
#include <string>
#include <string_view>

#include "require.h"
#include "shared/access_rules.h"
#include "shared/api_key.h"

namespace {

bool isInside(std::string_view part, std::string_view line) {
  return part.empty() ||
         (part.data() >= line.data() && part.data() + part.size() <= line.data() + line.size());
}

bool holdsHash(std::string_view error) {
  std::size_t run = 0;
  for (const char c : error) {
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    run = hex ? run + 1 : 0;
    if (run == 64) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string line(reinterpret_cast<const char*>(data), size);
  agw::KeyLine key;
  std::string error;
  switch (agw::parseKeyLine(line, key, error)) {
    case agw::KeyLineResult::Error:
      require(error.size() >= 10 && error.size() < 400, "an error explains, in bounds");
      // A value of a word that itself looks like a hash is quoted as that value, which is not the
      // hash.
      require(!holdsHash(error) || error.find("=") < error.find(": "), "no error shows a hash");
      break;
    case agw::KeyLineResult::Empty:
      require(error.empty(), "no error on an empty line");
      break;
    case agw::KeyLineResult::Key:
      require(error.empty() && size <= agw::kMaxKeyLine + 2, "a key line is bounded");
      require(!key.id.empty() && key.id.size() <= agw::kMaxKeyId, "an id is bounded");
      require(key.hash != agw::KeyHash{}, "a hash is there");
      require(key.scopes != 0 && key.scopes < 16, "scopes are known");
      require(key.allow.empty() || agw::isValidGlobList(key.allow), "allow is a glob list");
      require(key.deny.empty() || agw::isValidGlobList(key.deny), "deny is a glob list");
      for (const agw::Rate& rate : {key.requests, key.tokens}) {
        require((rate.count == 0) == (rate.window_seconds == 0), "a rate is whole");
      }
      for (const auto part : {key.id, key.allow, key.deny, key.act_as}) {
        require(isInside(part, line), "views point into the line");
      }
      break;
  }
  return 0;
}
