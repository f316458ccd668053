// Keys and limits without nginx: what they take and how fast they are, as one JSON object.
//   keys_bench tables KEYS...      tables of that many keys
//   keys_bench decisions           limits
//   keys_bench lines COUNT SEED    no figures: so many lines of a key file
#include <charconv>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/keys/decisions.h"
#include "bench/keys/made_keys.h"
#include "bench/keys/tables.h"
#include "ngx_module/key_table.h"

namespace keys_bench {
namespace {

constexpr std::size_t kMaxKeys = agw::KeyTable::kMaxKeys;

std::size_t readNumber(std::string_view word, std::size_t most) {
  std::size_t number = 0;
  const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc{} || rest != word.data() + word.size() || number == 0 || number > most) {
    throw std::invalid_argument("'" + std::string(word) + "' is not a number from 1 to " +
                                std::to_string(most));
  }
  return number;
}

void printTables(const std::vector<std::string_view>& words) {
  std::string separator = "{\"tables\":[\n";
  for (const std::string_view word : words) {
    const TableFigures table = measureTable(readNumber(word, kMaxKeys));
    std::printf(
        "%s {\"keys\":%zu,\"bytes_per_key\":%.3f,\"build_ms\":%.6f,\"fill_ms\":%.6f,"
        "\"hit_ns\":%.1f,\"miss_ns\":%.1f}",
        separator.c_str(), table.keys, table.bytes_per_key, table.build_ms, table.fill_ms,
        table.hit_ns, table.miss_ns);
    separator = ",\n";
  }
  std::printf("\n]}\n");
}

void printDecisions() {
  const DecisionFigures found = measureDecisions();
  std::printf(
      "{\"alone_ns\":%.1f,\"processes\":%d,\"contended_cpu_ns\":%.1f,"
      "\"contended_per_second\":%.0f}\n",
      found.alone_ns, found.processes, found.contended_cpu_ns, found.contended_per_second);
}

void printLines(std::size_t count, std::uint32_t seed) {
  constexpr std::size_t kPiece = 1 << 20;
  KeyMaker maker(seed);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    maker.appendLine(text, maker.nextHash());
    if (text.size() >= kPiece || i + 1 == count) {
      std::fwrite(text.data(), 1, text.size(), stdout);
      text.clear();
    }
  }
}

int run(const std::vector<std::string_view>& words) {
  const std::string_view mode = words.empty() ? std::string_view() : words[0];
  if (mode == "tables" && words.size() > 1) {
    printTables({words.begin() + 1, words.end()});
  } else if (mode == "decisions" && words.size() == 1) {
    printDecisions();
  } else if (mode == "lines" && words.size() == 3) {
    printLines(readNumber(words[1], kMaxKeys),
               static_cast<std::uint32_t>(readNumber(words[2], 1'000'000)));
  } else {
    throw std::invalid_argument("write: tables KEYS..., decisions, or lines COUNT SEED");
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw std::runtime_error("stdout cannot be written");
  }
  return 0;
}

}  // namespace
}  // namespace keys_bench

int main(int count, char** words) {
  try {
    return keys_bench::run({words + 1, words + count});
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "keys_bench: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "keys_bench: %s\n", error.what());
    return 1;
  }
}
