#include "ngx_module/key_watch.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <new>
#include <utility>

#include "ngx_module/key_load_job.h"
#include "ngx_module/worker.h"

namespace agw {
namespace {

constexpr std::int64_t kExpiryLookEvery = 600;        // seconds
constexpr std::int64_t kExpiryWarningEvery = 86'400;  // seconds

// Of this worker. The thread works on `job` while `is_running`.
struct Watch {
  MainConf* conf;
  ngx_thread_pool_t* pool;
  ngx_thread_task_t task;
  KeyLoadJob* job;
  std::uint32_t epoch;
  bool is_running;
};
Watch watch;

// The wall clock may be set back.
std::int64_t monotonicSeconds() noexcept { return monotonicNow() / 1'000'000'000; }

// Where all cores are busy a load then takes about a tenth of one.
constexpr int kThreadNiceness = 10;

void runInThread(void* data, ngx_log_t*) noexcept {
  // Requests go first. On Linux this is of the calling thread alone; the pool is ours.
  ::setpriority(PRIO_PROCESS, 0, kThreadNiceness);
  runKeyLoadJob(**static_cast<KeyLoadJob**>(data));
}

void logErrors(const std::vector<KeyFileError>& errors, ngx_log_t* log) noexcept {
  const ngx_str_t& path = watch.conf->keys_path;
  for (const KeyFileError& error : errors) {
    if (error.line == 0) {
      ngx_log_error(NGX_LOG_ERR, log, 0, "agent_keys \"%V\" %s; the keys stay as they were", &path,
                    error.message.c_str());
    } else {
      ngx_log_error(NGX_LOG_ERR, log, 0, "agent_keys %V:%uL: %s; the keys stay as they were", &path,
                    error.line, error.message.c_str());
    }
  }
}

void warnOfExpiry(const ExpiryCount& expiry, ngx_log_t* log) noexcept {
  for (const ExpiryCount::Key& key : expiry.first) {
    char text[32] = "?";
    const time_t time = key.expires_unix;
    struct tm utc {};
    if (gmtime_r(&time, &utc) != nullptr) {
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    }
    ngx_log_error(NGX_LOG_WARN, log, 0, "agent_keys: api_key.expiring: key \"%s\" expires at %s",
                  key.id.c_str(), text);
  }
  if (expiry.expiring > expiry.first.size()) {
    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "agent_keys: api_key.expiring: %uL keys in all expire within 7 days",
                  expiry.expiring);
  }
}

void takeExpiry(const ExpiryCount& expiry, KeyFileState& state, ngx_log_t* log) noexcept {
  const std::int64_t now = monotonicSeconds();
  state.expired = expiry.expired;
  state.expiring = expiry.expiring;
  state.next_expiry_look = now + kExpiryLookEvery;
  if (now >= state.next_expiry_warning) {
    state.next_expiry_warning = now + kExpiryWarningEvery;
    warnOfExpiry(expiry, log);
  }
}

void takeLoaded(const KeyLoadJob& job, EdgeMemory& memory, ngx_log_t* log) noexcept {
  KeyFileState& state = memory.key_file;
  memory.keys().publish();
  state.judged = job.version;
  state.keys = job.keys;
  state.text_used = job.text_used;
  state.load_microseconds = job.microseconds;
  state.loaded_at = ngx_time();
  ++state.loads;
  state.next_expiry_look = 0;
  state.next_expiry_warning = 0;
  noteKeyFile(memory, thisWorker().lock, {});
  ngx_log_error(NGX_LOG_NOTICE, log, 0, "agent_keys: %uL keys, generation %uL", job.keys,
                memory.keys().generation());
}

void takeRefused(const KeyLoadJob& job, EdgeMemory& memory, ngx_log_t* log) noexcept {
  KeyFileState& state = memory.key_file;
  state.judged = job.version;
  ++state.failures;
  logErrors(job.errors, log);
  char problem[sizeof state.problem] = "cannot be loaded";
  if (!job.errors.empty()) {
    const KeyFileError& first = job.errors.front();
    const int size =
        first.line == 0
            ? std::snprintf(problem, sizeof problem, "%s", first.message.c_str())
            : std::snprintf(problem, sizeof problem, "line %llu: %s",
                            static_cast<unsigned long long>(first.line), first.message.c_str());
    if (size < 0) {
      problem[0] = '\0';
    }
  }
  noteKeyFile(memory, thisWorker().lock, problem);
}

// In the event loop, when the thread is done.
void onDone(ngx_event_t* event) noexcept {
  watch.is_running = false;
  EdgeMemory& memory = *thisWorker().memory;
  const KeyLoadJob& job = *watch.job;
  if (memory.epoch != watch.epoch) {
    // A reload has named the file that counts now; what was read here is not published.
    memory.key_file.judged = {};
    releaseLoader(memory);
    return;
  }
  memory.key_file.seen = job.version;
  if (job.result == KeyLoadJob::Result::Loaded) {
    takeLoaded(job, memory, event->log);
  } else if (job.result == KeyLoadJob::Result::Refused) {
    takeRefused(job, memory, event->log);
  }
  if (job.has_expiry) {
    takeExpiry(job.expiry, memory.key_file, event->log);
  }
  releaseLoader(memory);
}

}  // namespace

bool acquireLoader(EdgeMemory& memory) noexcept {
  std::uint32_t holder = 0;
  const auto own = static_cast<std::uint32_t>(ngx_pid);
  auto& loader = memory.key_file.loader;
  if (loader.compare_exchange_strong(holder, own)) {
    return true;
  }
  const bool is_gone = ::kill(static_cast<pid_t>(holder), 0) != 0 && errno == ESRCH;
  return is_gone && loader.compare_exchange_strong(holder, own);
}

void releaseLoader(EdgeMemory& memory) noexcept { memory.key_file.loader = 0; }

void noteKeyFile(EdgeMemory& memory, const LimitLock& lock, std::string_view problem) noexcept {
  LimitSection section(memory.limits(), lock, static_cast<std::uint32_t>(ngx_pid));
  auto& text = memory.key_file.problem;
  const std::size_t size = std::min(problem.size(), text.size() - 1);
  std::copy_n(problem.begin(), size, text.begin());
  text[size] = '\0';
  memory.key_file.is_valid = problem.empty();
}

void watchKeyFile(MainConf& conf, ngx_cycle_t* cycle) noexcept {
  if (conf.keys_path.len == 0) {
    return;
  }
  watch.conf = &conf;
  watch.pool = conf.thread_pool;
  watch.epoch = conf.epoch;
  watch.job = new (std::nothrow) KeyLoadJob();
  watch.task.ctx = &watch.job;
  watch.task.handler = runInThread;
  watch.task.event.data = &watch;
  watch.task.event.handler = onDone;
  watch.task.event.log = cycle->log;
}

void lookAtKeyFile() noexcept {
  EdgeMemory& memory = *thisWorker().memory;
  if (watch.job == nullptr || watch.is_running || memory.epoch != watch.epoch ||
      !acquireLoader(memory)) {
    return;
  }
  KeyFileState& state = memory.key_file;
  *watch.job = KeyLoadJob{};
  // ngx_conf_full_name leaves a NUL behind the name.
  watch.job->path = reinterpret_cast<const char*>(watch.conf->keys_path.data);
  watch.job->table = &memory.keys();
  watch.job->judged = state.judged;
  watch.job->seen = state.seen;
  watch.job->look_at_expiry = monotonicSeconds() >= state.next_expiry_look;
  watch.is_running = ngx_thread_task_post(watch.pool, &watch.task) == NGX_OK;
  if (!watch.is_running) {
    releaseLoader(memory);
  }
}

}  // namespace agw
