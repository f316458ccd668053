// One request on its way through the pipeline.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"
#include "io/http_server.h"
#include "shared/access_rules.h"
#include "shared/edge_headers.h"

namespace agw::api {

// Who asks, as the edge vouches for it. Views point into the request's headers.
struct Identity {
  std::string_view key_id;  // empty: no key (locations without authentication)
  ScopeSet scopes = 0;
  Grants grants;

  bool has(Scope scope) const { return (scopes & scopeBit(scope)) != 0; }
  bool mayUse(std::string_view canonical_model) const {
    return evaluateAccess({grants.allow, grants.deny}, canonical_model) == Access::Allowed;
  }
};

// What the request's log line says beyond HTTP.
struct RequestRecord {
  std::string agent;  // canonical id, when the model is an agent
  std::string model;  // canonical id
  std::string upstream;
  std::string module_path;  // of an agent that is code
  std::optional<Error> error;
  bool is_probe = false;  // of the machine's own: not counted
  bool stream = false;
  std::optional<Usage> usage;
  unsigned llm_calls = 0;
  unsigned tool_calls = 0;
};

struct RequestContext {
  io::ServerRequest& request;
  io::ResponseWriter& response;
  std::string_view path;  // the target without its query
  std::string request_id;
  std::string traceparent;
  std::string run_id;
  Identity identity;
  Deadline deadline;  // from X-Agent-Deadline-Ms
  RequestRecord record;

  io::HttpHeaders baseHeaders() const { return {{"X-Request-Id", request_id}}; }
};

}  // namespace agw::api
