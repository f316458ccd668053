// A key line: what is accepted has only values that the edge can use, no error shows a hash, and an
// allow= glob that is called impossible does not match.
#include <cstdint>
#include <string>
#include <string_view>

#include "require.h"
#include "secrets.h"
#include "shared/access_rules.h"
#include "shared/api_key.h"
#include "shared/key_line_checks.h"
#include "shared/model_id.h"

namespace {

bool isInside(std::string_view part, std::string_view line) {
  return part.empty() ||
         (part.data() >= line.data() && part.data() + part.size() <= line.data() + line.size());
}

// Ids that a covered glob matches, with little and with much in place of each '*'.
void requireNeverAllowed(const agw::KeyLine& key, std::string_view glob) {
  for (const std::string_view star : {"", "x", "x/y"}) {
    std::string id = glob == "*" ? "x/" : "";
    for (const char c : glob) {
      if (c == '*') {
        id += star;
      } else {
        id += c == '?' ? 'q' : c;
      }
    }
    const auto model = agw::canonicalModelId(id);
    if (!model) continue;
    // A bare glob means default/<glob>, so an id that has got its first '/' here is another one.
    if (glob.find('/') == std::string_view::npos && id.find('/') != std::string::npos) continue;
    const auto access = agw::evaluateAccess({key.allow, key.deny}, model->view());
    require(access == agw::Access::DeniedByRule, "a covered glob allows nothing");
  }
}

void requireSoundCheck(const agw::KeyLine& key) {
  const std::string error = agw::checkKeyLine(key);
  require(error.empty() || (error.size() >= 10 && error.size() < 400), "an error is bounded");
  require(error.find('\n') == std::string::npos, "an error is one line");
  require(agw::differingLimit(key, key).empty(), "a line has its own limits");
  if (error.starts_with("allow=") && key.allow.find(',') == std::string_view::npos) {
    requireNeverAllowed(key, key.allow);
  }
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
      requireSoundCheck(key);
      break;
  }
  return 0;
}
