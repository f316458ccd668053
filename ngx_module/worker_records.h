// A record for each worker process in shared memory: who it is, and what it has counted. Counts are
// written by their own process alone, so they take no lock; a record whose process is gone is
// folded into the totals and used again. No nginx in here.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "ngx_module/limit_store.h"

namespace agw {

// What agent_status shows. Limited and DryRun have a place for each LimitPer and LimitKind.
enum class Counter : std::uint8_t {
  Responses2xx,
  Responses3xx,
  Responses4xx,
  Responses5xx,
  ResponsesOther,  // closed without a status
  KeyMissing,
  KeyMalformed,
  KeyUnknown,
  KeyExpired,
  KeysNotLoaded,
  AddressLimited,
  UploadsFull,
  ScopeDenied,
  AgentDenied,
  BodyRefused,
  LimitsFull,
  PromptTokens,
  CompletionTokens,
  TotalTokens,
  EstimatedTokens,  // charged because no usage was reported
  EstimatedRuns,
  LostEntries,  // of the ledger, closed for a process that was gone
  StreamsLost,  // ended by the edge with an error event: the executor was lost
  StreamsSilent,
  StreamsTooLong,
  ChatsBegun,
  ChatsEnded,
  Limited,
  DryRun = Limited + kLimitPers * kLimitKinds,
  Count = DryRun + kLimitPers * kLimitKinds,
};
inline constexpr std::size_t kCounters = static_cast<std::size_t>(Counter::Count);

constexpr Counter limitCounter(Counter base, LimitPer per, LimitKind kind) noexcept {
  return static_cast<Counter>(static_cast<std::size_t>(base) +
                              static_cast<std::size_t>(per) * kLimitKinds +
                              static_cast<std::size_t>(kind));
}

using Counts = std::array<std::uint64_t, kCounters>;

struct WorkerRecord {
  std::atomic<std::uint32_t> pid;     // 0: free
  std::uint64_t start_time;           // of the process, in clock ticks since boot; 0: not known
  std::atomic<std::int64_t> uploads;  // requests whose body is still arriving
  std::array<std::atomic<std::uint64_t>, kCounters> counts;

  void add(Counter counter, std::uint64_t amount = 1) noexcept {
    auto& count = counts[static_cast<std::size_t>(counter)];
    count.store(count.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
};

class WorkerRecords {
 public:
  static constexpr std::size_t kMax = 256;  // workers of all generations that live at once

  // The next three under the lock of the limits.
  // nullopt: all are in use.
  std::optional<std::uint32_t> claim(std::uint32_t pid, std::uint64_t start_time) noexcept;
  // Frees the record; its counts go to the totals, except that a chat which it had begun and not
  // ended counts as ended.
  void release(std::uint32_t index) noexcept;
  Counts totals() const noexcept;

  WorkerRecord& operator[](std::uint32_t index) noexcept { return records_[index]; }
  const WorkerRecord& operator[](std::uint32_t index) const noexcept { return records_[index]; }
  std::size_t alive() const noexcept;
  // Of all live processes.
  std::int64_t uploads() const noexcept;

 private:
  std::array<WorkerRecord, kMax> records_;
  std::atomic<std::uint32_t> used_;  // no record from here on was ever claimed
  Counts gone_;
};

// Field 22 of /proc/<pid>/stat. `stat` is the file's text; its second field, the command in
// parentheses, may itself hold blanks and parentheses. Source: proc(5).
std::optional<std::uint64_t> parseStartTime(std::string_view stat) noexcept;
// 0 when it cannot be read.
std::uint64_t startTimeOf(std::uint32_t pid) noexcept;

// Whether the process that claimed a record is certainly gone. What cannot be told counts as alive:
// taking back what a living process holds would be worse than waiting.
bool isGone(std::uint32_t pid, std::uint64_t start_time) noexcept;

}  // namespace agw
