// What answers at server.metrics_listen: GET /metrics, without a key. Nothing else is served there.
#pragma once

#include "api/snapshot.h"
#include "io/http_server.h"

namespace agw::api {

class MetricsListener final : public io::RequestHandler {
 public:
  // `service` outlives it; its parts are set before the first request.
  explicit MetricsListener(const Service& service) : service_(service) {}

  boost::asio::awaitable<void> handle(io::ServerRequest& request,
                                      io::ResponseWriter& response) override;
  std::string errorBody(int status, std::string_view message) override;

 private:
  const Service& service_;
};

}  // namespace agw::api
