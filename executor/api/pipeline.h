// What every request passes: request id, proof, identity, deadline, route, endpoint, error answer,
// log line.
#pragma once

#include <string>
#include <vector>

#include "api/request_context.h"
#include "api/snapshot.h"
#include "io/http_server.h"
#include "shared/proof.h"

namespace agw::api {

// One a thread. Both arguments outlive it; `current` has parts while requests come.
class Pipeline final : public io::RequestHandler {
 public:
  Pipeline(Service& service, const CurrentParts& current);

  boost::asio::awaitable<void> handle(io::ServerRequest& request,
                                      io::ResponseWriter& response) override;
  std::string errorBody(int status, std::string_view message) override;

 private:
  boost::asio::awaitable<Result<void>> dispatch(RequestContext& context, const ThreadParts& parts);
  Result<void> admit(RequestContext& context);
  void noteAgentError(const RequestContext& context);

  Service& service_;
  const CurrentParts& current_;
  std::vector<ProofKey> proof_keys_;
};

}  // namespace agw::api
