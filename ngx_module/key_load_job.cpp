#include "ngx_module/key_load_job.h"

#include <chrono>
#include <cstring>
#include <exception>

namespace agw {
namespace {

constexpr std::int64_t kHalfWrittenNs = 2'000'000'000;

std::int64_t wallClockNs() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             system_clock::now().time_since_epoch())
      .count();
}

void refuse(KeyLoadJob& job, std::string message) {
  job.result = KeyLoadJob::Result::Refused;
  job.errors.push_back({0, std::move(message)});
}

void load(KeyLoadJob& job) {
  std::string text;
  std::string error;
  FileVersion read;
  const auto begin = std::chrono::steady_clock::now();
  if (!readWholeFile(job.path, kMaxKeyFile, text, read, error)) {
    return refuse(job, std::move(error));
  }
  if (!(read == job.version)) {
    job.version = read;
    job.result = KeyLoadJob::Result::Unsettled;
    return;
  }
  if (text.empty()) {
    return refuse(job, "is empty; to refuse every key, leave a comment line in it");
  }
  const std::int64_t age = wallClockNs() - read.modified_ns;
  if (text.back() != '\n' && age >= 0 && age < kHalfWrittenNs) {
    job.result = KeyLoadJob::Result::Unsettled;
    return;
  }
  const auto image = buildKeyImage(text, job.table->capacity(), job.table->textSize(), job.errors);
  if (image == nullptr) {
    job.result = KeyLoadJob::Result::Refused;
    return;
  }
  job.table->fillIdle(*image);
  job.keys = image->keys;
  job.text_used = image->text.size();
  job.microseconds =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                     std::chrono::steady_clock::now() - begin)
                                     .count());
  job.result = KeyLoadJob::Result::Loaded;
}

void look(KeyLoadJob& job) {
  job.version = versionOf(job.path);
  if (job.version == job.judged) {
    job.result = KeyLoadJob::Result::Unchanged;
  } else if (!(job.version == job.seen)) {
    job.result = KeyLoadJob::Result::Unsettled;
  } else if (job.version.error != 0) {
    refuse(job, std::string("cannot be read: ") + std::strerror(job.version.error));
  } else {
    load(job);
  }
  if (job.look_at_expiry && job.result != KeyLoadJob::Result::Loaded) {
    const std::int64_t now = wallClockNs() / 1'000'000'000;
    job.expiry = job.table->countExpiring(now, now + kExpiryWarning);
    job.has_expiry = true;
  }
}

}  // namespace

void runKeyLoadJob(KeyLoadJob& job) noexcept {
  try {
    look(job);
  } catch (const std::exception& error) {  // out of memory
    job.result = KeyLoadJob::Result::Refused;
    try {
      job.errors.push_back({0, error.what()});
    } catch (const std::exception&) {
      job.errors.clear();  // refused without words
    }
  }
}

}  // namespace agw
