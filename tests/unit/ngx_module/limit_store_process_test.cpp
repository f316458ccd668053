// The store between real processes: exact under contention, and mended when one of them is killed
// at any instruction.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "limit_support.h"
#include "ngx_module/limit_store.h"

namespace agw {
namespace {

using namespace test;

// A process of this test, which ends with it.
class Child {
 public:
  explicit Child(const std::function<void()>& work) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::alarm(60);
    work();
    ::_exit(0);
  }
  ~Child() {
    if (pid_ > 0) kill();
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&&) = delete;

  pid_t pid() const { return pid_; }
  void kill() {
    EXPECT_EQ(::kill(pid_, SIGKILL), 0);
    EXPECT_EQ(::waitpid(pid_, nullptr, 0), pid_);
    pid_ = 0;
  }
  bool endsWell() {
    int status = -1;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  pid_t pid_;
};

std::uint32_t ownPid() { return static_cast<std::uint32_t>(::getpid()); }

// How many of 4 × 10,000 attempts are admitted that four processes make at one point in time.
std::uint64_t admittedOfAll(const SharedStore& shared, const LimitClaim& claim,
                            std::uint64_t tokens, bool is_closed_at_once) {
  constexpr int kProcesses = 4;
  constexpr int kAttempts = 10'000;
  std::vector<Child> children;
  for (std::uint32_t owner = 0; owner < kProcesses; ++owner) {
    children.emplace_back([&, owner] {
      const LimitLock lock = shared.lock();
      std::vector<LimitClaim> claims{claim};
      shared.waitForStart();
      for (int i = 0; i < kAttempts; ++i) {
        const LimitSection section(shared.store(), lock, ownPid());
        std::uint32_t entry = kNoIndex;
        const auto verdict = shared.store().admit(claims, tokens, kStart, owner, entry).verdict;
        shared.count(verdict == LimitVerdict::Admitted ? 1 : 0);
        if (is_closed_at_once && entry != kNoIndex) {
          shared.store().close(entry, {.tokens = tokens, .completion = -1}, kStart);
        }
      }
    });
  }
  shared.start();
  for (Child& child : children) EXPECT_TRUE(child.endsWell());
  EXPECT_TRUE(shared.store().isSound());
  EXPECT_EQ(shared.store().totals().rebuilds, 0U);
  return shared.counted();
}

TEST(LimitStoreProcesses, AdmitTogetherExactlyTheBurstOfRequests) {
  const SharedStore shared;
  EXPECT_EQ(admittedOfAll(shared, withRequests(claimOf(1), {60, 3600, 20}), 0, false), 20U);
}

TEST(LimitStoreProcesses, AdmitTogetherExactlyTheStreams) {
  const SharedStore shared;
  EXPECT_EQ(admittedOfAll(shared, withStreams(claimOf(1), 20), 0, false), 20U);
  EXPECT_EQ(shared.store().totals().slots, 20U);
}

TEST(LimitStoreProcesses, ReserveTogetherExactlyTheTokens) {
  const SharedStore shared;
  EXPECT_EQ(admittedOfAll(shared, withTokens(claimOf(1), {60, 3600, 100}), 5, false), 20U);
  EXPECT_EQ(shared.store().totals().reserved, 100U);
}

TEST(LimitStoreProcesses, UseTogetherExactlyTheTokens) {
  const SharedStore shared;
  EXPECT_EQ(admittedOfAll(shared, withTokens(claimOf(1), {60, 3600, 100}), 5, true), 20U);
  EXPECT_EQ(shared.store().totals().reserved, 0U);
}

// Admits and closes until it is killed, nearly always inside a section. Parties come and go, so
// that nodes are made, found and forgotten, and some entries stay open.
void workUntilKilled(const SharedStore& shared, std::uint32_t owner, std::uint64_t seed) {
  constexpr int kStepsInASection = 20;
  std::mt19937_64 random(seed);
  const LimitLock lock = shared.lock();
  const std::uint32_t pid = ownPid();
  std::vector<std::uint32_t> open;
  std::vector<LimitClaim> claims;
  for (Nanoseconds now = kStart;; now += kSecond / 100) {
    const LimitSection section(shared.store(), lock, pid);
    for (int step = 0; step < kStepsInASection; ++step) {
      if (open.size() > 30 || (!open.empty() && random() % 3 == 0)) {
        std::swap(open[random() % open.size()], open.back());
        shared.store().close(open.back(), {.tokens = random() % 60, .completion = 20}, now);
        open.pop_back();
        continue;
      }
      claims.clear();
      for (std::uint64_t i = 0, count = 1 + random() % 3; i < count; ++i) {
        const std::uint64_t n = random() % 600 * kLimitPers + i;
        claims.push_back(
            withStreams(withTokens(withRequests(claimOf(n, static_cast<LimitPer>(i)), {100, 1, 50}),
                                   {1000, 1, 500}),
                        10));
      }
      std::uint32_t entry = kNoIndex;
      shared.store().admit(claims, 20, now, owner, entry);
      if (entry != kNoIndex) open.push_back(entry);
    }
  }
}

TEST(LimitStoreProcesses, AreKilledAtAnyMomentAndLeaveNothingBehind) {
  constexpr std::uint32_t kWorkers = 3;
  constexpr int kKills = 300;
  const SharedStore shared;
  const LimitLock lock = shared.lock();
  std::mt19937_64 random(5);
  std::vector<std::unique_ptr<Child>> workers;
  const auto startWorker = [&](std::uint32_t owner) {
    return std::make_unique<Child>(
        [&shared, owner, seed = random()] { workUntilKilled(shared, owner, seed); });
  };
  for (std::uint32_t owner = 0; owner < kWorkers; ++owner) workers.push_back(startWorker(owner));
  // Rather one that is inside a section now than any other.
  const auto victim = [&] {
    const pid_t holder = shared.holder();
    for (std::uint32_t owner = 0; owner < kWorkers; ++owner) {
      if (workers[owner]->pid() == holder) return owner;
    }
    return static_cast<std::uint32_t>(random() % kWorkers);
  };
  const auto killAndMend = [&](std::uint32_t owner) {
    const pid_t pid = workers[owner]->pid();
    workers[owner]->kill();
    const bool held_the_lock = shared.takeFrom(pid);
    const LimitSection section(shared.store(), lock, ownPid());
    EXPECT_TRUE(shared.store().isSound());
    std::uint64_t tokens = 0;
    const std::uint32_t before = shared.store().totals().entries_used;
    const std::uint32_t recovered = shared.store().recover(owner, kStart, tokens);
    EXPECT_EQ(shared.store().totals().entries_used, before - recovered);
    EXPECT_TRUE(shared.store().isSound());
    return held_the_lock;
  };

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(4);
  int kills = 0;
  int inside = 0;
  while (kills < kKills && std::chrono::steady_clock::now() < deadline && !HasFailure()) {
    // Any moment of its work will do.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
    const std::uint32_t owner = victim();
    inside += killAndMend(owner) ? 1 : 0;
    ++kills;
    workers[owner] = startWorker(owner);
  }
  for (std::uint32_t owner = 0; owner < kWorkers; ++owner) inside += killAndMend(owner) ? 1 : 0;

  const LimitSection section(shared.store(), lock, ownPid());
  const LimitStore::Totals totals = shared.store().totals();
  EXPECT_EQ(totals.entries_used, 0U);
  EXPECT_EQ(totals.slots, 0U);
  EXPECT_EQ(totals.reserved, 0U);
  EXPECT_TRUE(shared.store().isSound());
  EXPECT_GE(inside, 10) << "of " << kills << " kills";
  EXPECT_GE(totals.rebuilds, 10U);
  EXPECT_LE(totals.rebuilds, static_cast<std::uint64_t>(inside));
  RecordProperty("kills", kills);
  RecordProperty("kills_inside_a_section", inside);
  RecordProperty("rebuilds", static_cast<int>(totals.rebuilds));
}

// After a rebuild the store is as good as a new one: all of its memory can be used.
TEST(LimitStoreProcesses, NothingIsLostByARebuild) {
  const SharedStore shared;
  const LimitLock lock = shared.lock();
  std::vector<LimitClaim> claims{withStreams(withTokens(claimOf(1), {60, 60, 100}), 5)};
  std::uint32_t kept = kNoIndex;
  {
    const LimitSection section(shared.store(), lock, 1);
    ASSERT_EQ(shared.store().admit(claims, 40, kStart, 3, kept).verdict, LimitVerdict::Admitted);
  }
  Child worker([&] {
    const LimitSection section(shared.store(), lock, ownPid());
    ::kill(::getpid(), SIGKILL);
  });
  const pid_t pid = worker.pid();
  EXPECT_FALSE(worker.endsWell());
  ASSERT_TRUE(shared.takeFrom(pid));

  const LimitSection section(shared.store(), lock, 1);
  LimitStore& store = shared.store();
  EXPECT_EQ(store.totals().rebuilds, 1U);
  EXPECT_EQ(store.totals().slots, 1U);
  EXPECT_EQ(store.totals().reserved, 40U);
  std::uint32_t entry = kNoIndex;
  EXPECT_EQ(store.admit(claims, 61, kStart, 3, entry).verdict, LimitVerdict::Refused);
  for (std::uint64_t n = 2; n <= LimitStore::kSmallest.entries; ++n) {
    claims[0].who = party(n);
    entry = kNoIndex;
    ASSERT_EQ(store.admit(claims, 1, kStart, 3, entry).verdict, LimitVerdict::Admitted);
  }
  EXPECT_TRUE(store.isSound());
  std::uint64_t tokens = 0;
  EXPECT_EQ(store.recover(3, kStart, tokens), LimitStore::kSmallest.entries);
  EXPECT_EQ(tokens, 40U + LimitStore::kSmallest.entries - 1);
}

}  // namespace
}  // namespace agw
