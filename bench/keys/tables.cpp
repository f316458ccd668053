#include "bench/keys/tables.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/keys/clocks.h"
#include "bench/keys/made_keys.h"
#include "bench/keys/shared_pages.h"
#include "ngx_module/key_file.h"
#include "ngx_module/key_table.h"

namespace keys_bench {
namespace {

constexpr std::uint32_t kSeed = 20240607;
constexpr std::uint32_t kStrangersSeed = 1;
constexpr std::size_t kLookups = 100'000;  // of a round
constexpr int kLookupRounds = 9;
constexpr std::size_t kLinesToLoad = 100'000;  // at least, over all repetitions

struct Load {
  double build_ms;
  double fill_ms;
  std::uint64_t text_bytes;
};

// One load as a worker does it, behind the reading of the file.
Load loadOnce(agw::KeyTable& table, const std::string& text, std::size_t keys) {
  std::vector<agw::KeyFileError> errors;
  const Stopwatch building;
  const auto image = agw::buildKeyImage(text, table.capacity(), table.textSize(), errors);
  const double build_ms = building.nanoseconds() / 1e6;
  if (image == nullptr) {
    throw std::runtime_error("line " + std::to_string(errors.at(0).line) +
                             " of the made file: " + errors.at(0).message);
  }
  if (image->keys != keys) throw std::runtime_error("the image does not hold all keys");
  const Stopwatch filling;
  table.fillIdle(*image);
  table.publish();
  return {.build_ms = build_ms,
          .fill_ms = filling.nanoseconds() / 1e6,
          .text_bytes = image->text.size()};
}

// Nanoseconds of one lookup. A fence keeps them apart, as a worker's other work does: lookups side
// by side would hide what memory costs.
double lookUp(const agw::KeyTable& table, const std::vector<agw::KeyHash>& asked,
              agw::KeyLookup expected) {
  agw::FoundKey found;
  std::vector<double> rounds;
  for (int round = 0; round < kLookupRounds; ++round) {
    std::size_t wrong = 0;
    const Stopwatch watch;
    for (const agw::KeyHash& hash : asked) {
      std::atomic_thread_fence(std::memory_order_seq_cst);
      const agw::KeyLookup result = table.find(hash, found);
      wrong += result != expected ? 1 : 0;
    }
    rounds.push_back(watch.nanoseconds() / static_cast<double>(asked.size()));
    if (wrong != 0) throw std::runtime_error("a lookup did not find what it should");
  }
  return median(rounds);
}

}  // namespace

TableFigures measureTable(std::size_t keys) {
  std::vector<agw::KeyHash> hashes;
  std::string text;
  KeyMaker maker(kSeed);
  for (std::size_t i = 0; i < keys; ++i)
    maker.appendLine(text, hashes.emplace_back(maker.nextHash()));

  const std::uint64_t room = agw::KeyTable::smallestText(keys);
  const SharedPages pages(agw::KeyTable::bytesFor(keys, room));
  agw::KeyTable& table = *agw::KeyTable::create(pages.data(), keys, room);
  TableFigures figures{.keys = keys};
  std::vector<double> builds;
  std::vector<double> fills;
  for (std::size_t lines = 0; lines == 0 || lines < kLinesToLoad; lines += keys) {
    const Load load = loadOnce(table, text, keys);
    builds.push_back(load.build_ms);
    fills.push_back(load.fill_ms);
    figures.bytes_per_key = static_cast<double>(agw::KeyTable::bytesFor(keys, load.text_bytes)) /
                            2 / static_cast<double>(keys);
  }
  figures.build_ms = median(builds);
  figures.fill_ms = median(fills);

  std::mt19937 chooser(kSeed);
  KeyMaker strangers(kStrangersSeed);
  std::vector<agw::KeyHash> hits;
  std::vector<agw::KeyHash> misses;
  for (std::size_t i = 0; i < kLookups; ++i) {
    hits.push_back(hashes[chooser() % keys]);
    misses.push_back(strangers.nextHash());
  }
  figures.hit_ns = lookUp(table, hits, agw::KeyLookup::Found);
  figures.miss_ns = lookUp(table, misses, agw::KeyLookup::Unknown);
  return figures;
}

}  // namespace keys_bench
