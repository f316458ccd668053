#include "ngx_module/worker.h"

#include "ngx_module/conf.h"
#include "ngx_module/heap.h"
#include "ngx_module/key_watch.h"

namespace agw {
namespace {

constexpr ngx_msec_t kPeriod = 250;
constexpr std::uint64_t kReapEvery = 750;  // ms: with the period, within a second

// Of this process. Timers are kept by the event loop, so they may not move.
Worker worker;
ngx_event_t tick;
ngx_connection_t nobody;  // nginx's debug log asks a timer's data for a descriptor

void lockZone(void* data) noexcept { ngx_shmtx_lock(static_cast<ngx_shmtx_t*>(data)); }
void unlockZone(void* data) noexcept { ngx_shmtx_unlock(static_cast<ngx_shmtx_t*>(data)); }

std::uint32_t ownPid() noexcept { return static_cast<std::uint32_t>(ngx_pid); }

// Under the lock. What a process held that is gone is given back, and its record is free again.
void reap(std::uint32_t index, ngx_log_t* log) noexcept {
  EdgeMemory& memory = *worker.memory;
  const std::uint32_t pid = memory.workers[index].pid.load(std::memory_order_relaxed);
  std::uint64_t tokens = 0;
  const std::uint32_t entries = memory.limits().recover(index, monotonicNow(), tokens);
  WorkerRecord& record = memory.workers[index];
  record.add(Counter::LostEntries, entries);
  record.add(Counter::EstimatedTokens, tokens);
  record.add(Counter::EstimatedRuns, entries);
  std::uint32_t loader = pid;
  memory.key_file.loader.compare_exchange_strong(loader, 0);
  memory.workers.release(index);
  if (log != nullptr) {
    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "agent_zone: took back what worker %uD held: %uD requests, %uL tokens charged",
                  pid, entries, tokens);
  }
}

void reapTheGone(ngx_log_t* log) noexcept {
  EdgeMemory& memory = *worker.memory;
  for (std::uint32_t i = 0; i < WorkerRecords::kMax; ++i) {
    const WorkerRecord& record = memory.workers[i];
    const std::uint32_t pid = record.pid.load(std::memory_order_acquire);
    const std::uint64_t start_time = record.start_time;
    if (pid == 0 || i == worker.record || !isGone(pid, start_time)) {
      continue;
    }
    LimitSection section(memory.limits(), worker.lock, ownPid());
    // Another worker may have been quicker, and the record may be somebody else's by now.
    if (record.pid.load(std::memory_order_relaxed) == pid && record.start_time == start_time) {
      reap(i, log);
    }
  }
}

// One worker looks, whichever comes first after the period.
bool isTurn(std::atomic<std::uint64_t>& last, std::uint64_t period) noexcept {
  const std::uint64_t now = ngx_current_msec;
  std::uint64_t before = last.load(std::memory_order_relaxed);
  // The clock of another worker may be a little ahead.
  return static_cast<std::int64_t>(now - before) >= static_cast<std::int64_t>(period) &&
         last.compare_exchange_strong(before, now, std::memory_order_relaxed);
}

void onTick(ngx_event_t* event) noexcept {
  if (isTurn(worker.memory->last_reaping, kReapEvery)) {
    reapTheGone(event->log);
  }
  if (ngx_exiting) {
    return;
  }
  if (isTurn(worker.memory->key_file.last_look, kPeriod)) {
    lookAtKeyFile();
  }
  lookAtHeap();
  ngx_add_timer(event, kPeriod);
}

}  // namespace

Worker& thisWorker() noexcept { return worker; }

LimitLock lockOf(ngx_shm_zone_t& zone) noexcept {
  auto* slab = reinterpret_cast<ngx_slab_pool_t*>(zone.shm.addr);
  return {.data = &slab->mutex, .lock = lockZone, .unlock = unlockZone};
}

Nanoseconds monotonicNow() noexcept {
  return static_cast<Nanoseconds>(ngx_current_msec) * 1'000'000;
}

ngx_int_t startWorker(ngx_cycle_t* cycle) noexcept {
  auto* conf =
      static_cast<MainConf*>(ngx_http_cycle_get_module_main_conf(cycle, ngx_http_agent_module));
  const bool serves = ngx_process == NGX_PROCESS_WORKER || ngx_process == NGX_PROCESS_SINGLE;
  if (conf == nullptr || !conf->enabled() || !serves) {
    return NGX_OK;
  }
  worker.memory = conf->memory;
  worker.lock = lockOf(*conf->zone);
  reapTheGone(cycle->log);
  {
    LimitSection section(conf->memory->limits(), worker.lock, ownPid());
    worker.record = conf->memory->workers.claim(ownPid(), startTimeOf(ownPid())).value_or(kNoIndex);
  }
  if (worker.record == kNoIndex) {
    ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                  "agent_zone: %uz workers are alive already; this one can count nothing and "
                  "refuses requests that have limits",
                  WorkerRecords::kMax);
  }
  watchKeyFile(*conf, cycle);
  nobody.fd = static_cast<ngx_socket_t>(-1);
  tick.handler = onTick;
  tick.data = &nobody;
  tick.log = cycle->log;
  tick.cancelable = 1;  // a worker that leaves does not wait for it
  ngx_add_timer(&tick, kPeriod);
  return NGX_OK;
}

void stopWorker(ngx_cycle_t*) noexcept {
  if (worker.memory == nullptr || worker.record == kNoIndex) {
    return;
  }
  // Streams that worker_shutdown_timeout has cut are still in the ledger.
  LimitSection section(worker.memory->limits(), worker.lock, ownPid());
  reap(worker.record, nullptr);
  worker.record = kNoIndex;
}

}  // namespace agw
