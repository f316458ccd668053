// Looks at all upstreams again and again, off the threads that serve requests.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "config/settings.h"
#include "io/background_tasks.h"
#include "telemetry/log.h"
#include "upstream/shared_state.h"

namespace agw::upstream {

namespace net = boost::asio;

struct Health {
  bool is_known = false;  // looked at since it was configured so
  bool is_well = false;
  std::int64_t checked_at = 0;  // Unix milliseconds; 0: never
  std::string error;            // of the last look; no secret
};

// By upstream: what those with `discover` listed last. A look that fails takes nothing away.
using DiscoveredModels = std::map<std::string, std::vector<std::string>>;

// Lives on one io_context.
class HealthChecks {
 public:
  // What is found is noted in `states`. `changed`: other models are listed; called on the
  // io_context. All arguments outlive the checks.
  HealthChecks(net::io_context& context, telemetry::Log& log, SharedState& states,
               std::function<void()> changed);
  ~HealthChecks();  // after stop(), when the io_context has run out of work, or never ran

  // The upstreams from now on. What is known of those that are described as before goes on; the
  // others are looked at at once. On the io_context, or before it runs.
  void use(const config::Settings& settings);
  DiscoveredModels models() const;  // as above
  void stop();                      // as above

  // From any thread.
  std::map<std::string, Health> all() const;
  // Looks at all of them, side by side, and waits. Resumes on the caller's executor; not
  // cancellable, bounded by the longest health_timeout.
  net::awaitable<void> checkNow();

 private:
  class Watched;

  void startLook(const std::shared_ptr<Watched>& upstream);
  net::awaitable<void> lookAndGoOn(std::shared_ptr<Watched> upstream);
  net::awaitable<void> look(std::shared_ptr<Watched> upstream);
  net::awaitable<void> lookAtAll();

  net::io_context& context_;
  telemetry::Log& log_;
  SharedState& states_;
  std::function<void()> changed_;
  io::BackgroundTasks tasks_;
  std::map<std::string, std::shared_ptr<Watched>> watched_;
  mutable std::mutex mutex_;
  std::map<std::string, Health> health_;
};

}  // namespace agw::upstream
