// One or several upstreams as one: a call goes to the best of them, and is made again, there or at
// another one, as long as no byte of an answer has come and the deadline leaves time.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "telemetry/log.h"
#include "telemetry/metrics.h"
#include "upstream/chat_backend.h"
#include "upstream/endpoint.h"
#include "upstream/failover.h"
#include "upstream/retry_policy.h"

namespace agw::upstream {

class EndpointPool final : public ChatBackend {
 public:
  struct Member {
    Endpoint* endpoint;
    std::string model;  // as that upstream knows it; empty: the one in the body
  };

  // At least one member. Endpoints, `metrics` and `log` outlive the pool.
  EndpointPool(std::vector<Member> members, telemetry::MetricsShard& metrics, telemetry::Log& log);

  net::awaitable<Result<std::unique_ptr<ChatAnswer>>> open(ChatCall call) override;

 private:
  CallPlan makePlan();
  double random() { return std::uniform_real_distribution<double>(0, 1)(random_); }
  // When the member may be asked once more after it failed; nullopt: not at all.
  std::optional<Clock::time_point> nextTime(const CallPlan& plan, std::size_t member,
                                            const Error& error);
  void tell(const std::string& request_id, std::size_t failed, const Error& error,
            const CallPlan::Step& next, const CallPlan& plan);

  const std::vector<Member> members_;
  telemetry::MetricsShard& metrics_;
  telemetry::Log& log_;
  std::minstd_rand random_;
};

}  // namespace agw::upstream
