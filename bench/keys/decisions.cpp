#include "bench/keys/decisions.h"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>
#include <vector>

#include "bench/keys/clocks.h"
#include "bench/keys/contended_lock.h"
#include "bench/keys/decider.h"
#include "bench/keys/shared_pages.h"

namespace keys_bench {
namespace {

constexpr std::size_t kStoreBytes = std::size_t{32} << 20;
constexpr int kRounds = 15;
constexpr int kDecisions = 20'000;  // of a round
constexpr int kProcesses = 4;

// What the processes share; the store lies behind it.
struct alignas(64) Shared {
  ContendedLock lock;
  std::atomic<int> ready{0};
  std::atomic<bool> go{false};
  std::array<double, kProcesses> cpu_ns{};  // of a decision; each is written by its process
};

double measureAlone(Decider& decider) {
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; ++round) {
    const Stopwatch watch;
    for (int i = 0; i < kDecisions; ++i) decider.decide();
    rounds.push_back(watch.nanoseconds() / kDecisions);
  }
  return median(rounds);
}

// In a child, whose exit status it returns. A parent that dies takes it along.
int contend(Shared& shared, Decider decider, std::size_t number, pid_t parent) noexcept {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) return 1;
  try {
    ++shared.ready;
    while (!shared.go) ::sched_yield();
    constexpr int kAll = kRounds * kDecisions;
    const Stopwatch watch(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < kAll; ++i) decider.decide();
    shared.cpu_ns[number] = watch.nanoseconds() / kAll;
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "keys_bench: process %zu: %s\n", number, error.what());
    return 1;
  }
}

// Child processes, which are gone when this is.
class Children {
 public:
  Children() = default;
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;
  ~Children() {
    for (const pid_t child : running_) ::kill(child, SIGKILL);
    for (const pid_t child : running_) ::waitpid(child, nullptr, 0);
  }

  template <class Work>
  void start(Work work) {
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("no further process can be started");
    if (child == 0) ::_exit(work());
    running_.push_back(child);
  }
  // Until all have ended. Throws std::runtime_error when one has failed.
  void join() {
    while (!running_.empty()) {
      int status = 0;
      const pid_t child = running_.back();
      if (::waitpid(child, &status, 0) != child) continue;  // a signal came
      running_.pop_back();
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        throw std::runtime_error("a process that contended for the lock has failed");
      }
    }
  }

 private:
  std::vector<pid_t> running_;
};

void measureContended(Shared& shared, agw::LimitStore& store, const agw::LimitLock& lock,
                      const std::vector<Party>& parties, DecisionFigures& figures) {
  Children children;
  const pid_t parent = ::getpid();
  for (std::size_t i = 0; i < kProcesses; ++i) {
    children.start([&] {
      return contend(shared, Decider(store, lock, parties, static_cast<std::uint32_t>(i)), i,
                     parent);
    });
  }
  while (shared.ready != kProcesses) ::sched_yield();
  const Stopwatch watch;
  shared.go = true;
  children.join();
  constexpr double kAll = static_cast<double>(kProcesses) * kRounds * kDecisions;
  figures.contended_per_second = kAll / watch.nanoseconds() * 1e9;
  figures.contended_cpu_ns = median({shared.cpu_ns.begin(), shared.cpu_ns.end()});
  figures.processes = kProcesses;
}

}  // namespace

DecisionFigures measureDecisions() {
  const SharedPages pages(sizeof(Shared) + kStoreBytes);
  auto& shared = *new (pages.data()) Shared;
  agw::LimitStore& store = *agw::LimitStore::create(
      static_cast<char*>(pages.data()) + sizeof(Shared), agw::LimitStore::fit(kStoreBytes));
  const agw::LimitLock lock = shared.lock.interface();
  const std::vector<Party> parties = makeParties();

  DecisionFigures figures;
  Decider decider(store, lock, parties, kProcesses);
  decider.decideForAll();
  figures.alone_ns = measureAlone(decider);
  checkAtRest(store);
  measureContended(shared, store, lock, parties, figures);
  checkAtRest(store);
  return figures;
}

}  // namespace keys_bench
