// Paths and methods to endpoints.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string_view>

#include "api/request_context.h"
#include "api/snapshot.h"
#include "base/error.h"

namespace agw::api {

namespace net = boost::asio;

// An error means that nothing was sent yet; the pipeline answers it. What goes wrong after the
// first byte is the endpoint's own to end.
using Endpoint = net::awaitable<Result<void>> (*)(RequestContext& context,
                                                  const ThreadParts& parts);

struct Route {
  std::string_view path;  // exact, or a prefix when it ends with '*'
  std::string_view method;
  Endpoint endpoint;
  bool needs_proof = true;  // only probes are answered without one
  ScopeSet scopes = 0;      // any of; 0: no key needed
};

struct RouteMatch {
  const Route* route = nullptr;
  std::string_view allowed;  // of a path that exists with other methods; empty: not found
};

RouteMatch findRoute(std::string_view method, std::string_view path);

}  // namespace agw::api
