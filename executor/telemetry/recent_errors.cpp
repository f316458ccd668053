#include "telemetry/recent_errors.h"

#include <chrono>
#include <utility>

namespace agw::telemetry {
namespace {

void cut(std::string& text) {
  if (text.size() <= RecentErrors::kMaxText) return;
  std::size_t keep = RecentErrors::kMaxText;
  while (keep > 0 && (static_cast<unsigned char>(text[keep]) & 0xC0) == 0x80) --keep;
  text.resize(keep);
}

std::int64_t unixMillis() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

void RecentErrors::add(AgentError error) {
  error.unix_millis = unixMillis();
  cut(error.message);
  cut(error.details);
  const std::lock_guard lock(mutex_);
  if (errors_.size() == kMost) errors_.pop_front();
  errors_.push_back(std::move(error));
}

std::vector<AgentError> RecentErrors::newestFirst() const {
  const std::lock_guard lock(mutex_);
  return {errors_.rbegin(), errors_.rend()};
}

}  // namespace agw::telemetry
