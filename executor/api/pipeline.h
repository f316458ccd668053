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

// One a thread. `parts` outlives it.
class Pipeline final : public io::RequestHandler {
 public:
  explicit Pipeline(const ThreadParts& parts);

  boost::asio::awaitable<void> handle(io::ServerRequest& request,
                                      io::ResponseWriter& response) override;
  std::string errorBody(int status, std::string_view message) override;

 private:
  boost::asio::awaitable<Result<void>> dispatch(RequestContext& context);
  Result<void> admit(RequestContext& context);

  const ThreadParts& parts_;
  std::vector<ProofKey> proof_keys_;
};

}  // namespace agw::api
