// What a configuration costs: to load it, and to a request that reads it, as one JSON object.
//   snapshot_bench FILE...
// Each FILE is a configuration with an agent. A request takes what is in use (api::CurrentParts),
// which a reload may replace meanwhile, finds its model in it and gives it back.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/snapshot.h"
#include "config/load.h"
#include "telemetry/log.h"

namespace snapshot_bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLoads = 15;
constexpr int kSamples = 25;
constexpr int kTimes = 100'000;  // in a sample

double nanoseconds(Clock::duration time) {
  return std::chrono::duration<double, std::nano>(time).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// The compiler must not know what is done with it.
void use(const void* thing) { asm volatile("" : : "g"(thing) : "memory"); }

template <class Job>
double nanosecondsEach(const Job& job) {
  std::vector<double> samples;
  for (int sample = 0; sample < kSamples; ++sample) {
    const auto begin = Clock::now();
    for (int i = 0; i < kTimes; ++i) job();
    samples.push_back(nanoseconds(Clock::now() - begin) / kTimes);
  }
  return median(std::move(samples));
}

struct Found {
  std::size_t agents = 0;
  double load_ms = 0;  // read and check
  double take_ns = 0;
  double find_ns = 0;  // the last of the agents
};

// `found` only when there is no problem.
bool measure(const std::string& file, Found& found) {
  agw::config::LoadResult loaded;
  std::vector<double> loads;
  for (int i = 0; i < kLoads; ++i) {
    const auto begin = Clock::now();
    loaded = agw::config::loadSettings(file, agw::config::processEnvironment());
    loads.push_back(nanoseconds(Clock::now() - begin) / 1e6);
    if (loaded.problems.empty()) continue;
    std::fprintf(stderr, "snapshot_bench: %s\n", formatProblem(loaded.problems.front()).c_str());
    return false;
  }
  if (loaded.settings.agents.empty()) {
    std::fprintf(stderr, "snapshot_bench: %s has no agent\n", file.c_str());
    return false;
  }
  // Starts a thread: reference counts are atomic, as in an executor.
  const auto log = agw::telemetry::makeLog("", agw::telemetry::Level::Error);
  const std::vector<std::string> secrets;
  agw::api::Service service{secrets, *log};
  const auto settings = std::make_shared<const agw::config::Settings>(std::move(loaded.settings));
  const std::string model = settings->agents.back().id;
  agw::api::CurrentParts current;
  current.parts = std::make_shared<const agw::api::ThreadParts>(
      agw::api::ThreadParts{service, std::make_shared<const agw::api::Configuration>(settings, 1),
                            nullptr, nullptr, service.metrics.addShard()});
  found.agents = settings->agents.size();
  found.load_ms = median(std::move(loads));
  found.take_ns = nanosecondsEach([&current] {
    const std::shared_ptr<const agw::api::ThreadParts> parts = current.parts;
    use(parts.get());
  });
  found.find_ns = nanosecondsEach([&current, &model] {
    use(model.data());
    use(current.parts->configuration->directory.find(model));
  });
  return true;
}

int run(int count, const char* const* words) {
  if (count < 2) {
    std::fputs("snapshot_bench: write: snapshot_bench FILE...\n", stderr);
    return 2;
  }
  std::string out;
  for (int i = 1; i < count; ++i) {
    Found found;
    if (!measure(words[i], found)) return 1;
    char line[200];
    std::snprintf(line, sizeof line,
                  R"(%s{"agents":%zu,"load_ms":%.3f,"take_ns":%.2f,"find_ns":%.2f})",
                  i == 1 ? "" : ",\n ", found.agents, found.load_ms, found.take_ns, found.find_ns);
    out += line;
  }
  std::printf("{\"configurations\":[%s]}\n", out.c_str());
  return 0;
}

}  // namespace
}  // namespace snapshot_bench

int main(int argc, char** argv) { return snapshot_bench::run(argc, argv); }
