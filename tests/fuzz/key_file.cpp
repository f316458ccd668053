// A whole key file: what is accepted is found again in a table made of it, as it stands in the
// file; no error shows a hash.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ngx_module/key_file.h"
#include "ngx_module/key_table.h"
#include "require.h"
#include "secrets.h"
#include "shared/api_key.h"

namespace {

constexpr std::uint64_t kCapacity = 24;
constexpr std::uint64_t kText = 4096;

// One table for all inputs: what an older one left behind must never be found.
agw::KeyTable& table() {
  static agw::KeyTable* const kTable = [] {
    void* memory = nullptr;
    const std::size_t size = agw::KeyTable::bytesFor(kCapacity, kText);
    require(::posix_memalign(&memory, 64, size) == 0, "there is memory");
    return agw::KeyTable::create(memory, kCapacity, kText);
  }();
  return *kTable;
}

void checkErrors(const std::vector<agw::KeyFileError>& errors, std::uint64_t lines) {
  require(errors.size() <= agw::kMaxKeyFileErrors, "errors are bounded");
  std::uint64_t last = 0;
  for (const agw::KeyFileError& error : errors) {
    require(error.message.size() >= 10 && error.message.size() < 400, "an error explains");
    // A value of a word that itself looks like a hash is quoted as that value, which is not the
    // hash.
    require(!holdsHash(error.message) || error.message.find('=') < error.message.find(": "),
            "no error shows a hash");
    require(error.line <= lines, "an error names a line of the file");
    require(error.line == 0 || error.line > last, "one error a line, in the file's order");
    last = error.line != 0 ? error.line : last;
  }
}

std::vector<std::string_view> linesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

void checkKey(const agw::KeyLine& line) {
  agw::FoundKey found;
  require(table().find(line.hash, found) == agw::KeyLookup::Found, "an accepted key is found");
  std::string grants;
  agw::appendGrants(grants, {.allow = line.allow, .deny = line.deny, .act_as = line.act_as});
  require(found.id() == line.id, "with its id");
  require(found.grants() == grants, "its grants");
  require(found.scopes == line.scopes, "its scopes");
  require((found.expires_unix == 0) == (line.expires_unix == 0), "its time");
  const agw::KeyLimits& limits = found.limits;
  require(limits.requests == line.requests.count && limits.tokens == line.tokens.count &&
              limits.requests_window == line.requests.window_seconds &&
              limits.tokens_window == line.tokens.window_seconds && limits.burst == line.burst &&
              limits.streams == line.streams && limits.max_run == line.max_run_seconds,
          "and its limits");
}

// The neighbours of all keys, one bit away, are unknown unless they are keys themselves.
void checkStrangers(const std::set<agw::KeyHash>& keys) {
  agw::FoundKey found;
  for (agw::KeyHash hash : keys) {
    hash[31] ^= 1;
    const bool is_key = keys.count(hash) != 0;
    require((table().find(hash, found) == agw::KeyLookup::Found) == is_key, "no other is found");
  }
  require(table().find(agw::KeyHash{}, found) == agw::KeyLookup::Unknown, "zeros are no key");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string_view> lines = linesOf(text);
  std::vector<agw::KeyFileError> errors;
  const auto image = agw::buildKeyImage(text, kCapacity, kText, errors);
  require((image == nullptr) == !errors.empty(), "all or nothing");
  if (image == nullptr) {
    checkErrors(errors, lines.size());
    return 0;
  }
  require(image->keys <= kCapacity && image->text.size() <= kText, "what is accepted has room");
  table().fillIdle(*image);
  table().publish();
  std::set<agw::KeyHash> keys;
  for (const std::string_view line : lines) {
    agw::KeyLine key;
    std::string error;
    if (agw::parseKeyLine(line, key, error) != agw::KeyLineResult::Key) continue;
    require(keys.insert(key.hash).second, "no key stands twice");
    checkKey(key);
  }
  require(keys.size() == image->keys, "every key line is a key");
  checkStrangers(keys);
  return 0;
}
