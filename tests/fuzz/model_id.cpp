// "<allow>\n<deny>\n<id>": canonical ids are stable, and rules agree with their definition.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "require.h"
#include "shared/access_rules.h"
#include "shared/edge_headers.h"
#include "shared/model_id.h"

namespace {

// Dynamic programming over prefixes, another way than the matcher's.
bool globByDefinition(std::string_view pattern, std::string_view text) {
  std::vector<bool> row(text.size() + 1, false);
  row[0] = true;
  for (const char p : pattern) {
    std::vector<bool> next(text.size() + 1, false);
    next[0] = p == '*' && row[0];
    for (std::size_t t = 1; t <= text.size(); ++t) {
      next[t] = p == '*' ? row[t] || next[t - 1] : row[t - 1] && (p == '?' || p == text[t - 1]);
    }
    row = next;
  }
  return row[text.size()];
}

bool listByDefinition(std::string_view list, std::string_view model) {
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t end = std::min(list.find(',', start), list.size());
    std::string glob(list.substr(start, end - start));
    start = end + 1;
    if (glob.empty()) continue;
    if (glob != "*" && glob.find('/') == std::string::npos) glob = "default/" + glob;
    if (globByDefinition(glob, model)) return true;
  }
  return false;
}

std::string_view takeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  std::string_view text{reinterpret_cast<const char*>(data), size};
  const std::string_view allow = takeLine(text);
  const std::string_view deny = takeLine(text);

  const auto id = agw::canonicalModelId(text);
  if (!id) return 0;
  const std::string_view canonical = id->view();
  require(canonical.size() <= agw::kMaxModelId + 8 && canonical.find('/') != std::string_view::npos,
          "a canonical id has a namespace");
  require(!id->nameSpace().empty() && !id->name().empty(), "both parts are there");
  const auto shortest = agw::canonicalModelId(agw::shortestModelId(canonical));
  if (agw::shortestModelId(canonical).size() <= agw::kMaxModelId) {
    require(shortest && shortest->view() == canonical, "the shortest form means the same model");
  }

  agw::Access expected = agw::Access::DeniedByDefault;
  if (listByDefinition(allow, canonical)) expected = agw::Access::Allowed;
  if (listByDefinition(deny, canonical)) expected = agw::Access::DeniedByRule;
  require(agw::evaluateAccess({allow, deny}, canonical) == expected, "deny before allow");

  if (agw::isValidGlobList(allow) && agw::isValidGlobList(deny)) {
    std::string header;
    agw::appendGrants(header, {allow, deny, {}});
    const auto grants = agw::parseGrants(header);
    require(grants && grants->allow == allow && grants->deny == deny, "grants survive the header");
  }
  return 0;
}
