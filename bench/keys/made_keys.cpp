#include "bench/keys/made_keys.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace keys_bench {
namespace {

constexpr std::array<std::string_view, 5> kPlans = {
    " allow=*\n", " allow=default/* requests=60/m burst=20\n",
    " allow=default/*,research/* deny=research/internal-* requests=600/m tokens=100k/m streams=8\n",
    " allow=* scopes=chat,mcp requests=10k/h tokens=2m/h streams=32\n",
    " allow=team/helper expires=2099-12-31T00:00:00Z tokens=50k/d\n"};

}  // namespace

agw::KeyHash KeyMaker::nextHash() {
  agw::KeyHash hash;
  for (std::size_t i = 0; i < hash.size(); i += sizeof(std::uint64_t)) {
    const std::uint64_t word = engine_();
    std::memcpy(hash.data() + i, &word, sizeof word);
  }
  return hash;
}

void KeyMaker::appendLine(std::string& text, const agw::KeyHash& hash) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::array<char, 32> id;
  const int size = std::snprintf(id.data(), id.size(), "client-%07zu sha256:", ++lines_);
  text.append(id.data(), static_cast<std::size_t>(size));
  for (const unsigned char byte : hash) {
    text += kHex[byte >> 4];
    text += kHex[byte & 0xF];
  }
  // Neighbours have different plans: no help for who remembers the line before.
  text += kPlans[engine_() % kPlans.size()];
}

}  // namespace keys_bench
