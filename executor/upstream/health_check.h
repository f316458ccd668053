// One look at an upstream: is it well, and which models does it list?
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <vector>

#include "config/settings.h"
#include "io/http_client.h"

namespace agw::upstream {

namespace net = boost::asio;

struct HealthLook {
  std::string error;  // empty: well; for administrators
  // With `discover`: as the upstream's /models names them, each once, only those that can be a
  // model id; valid when has_models.
  std::vector<std::string> models;
  bool has_models = false;
};

// GET base_url + health_path with the upstream's credential, within health_timeout; well is 2xx,
// and 404 where the settings say so. `client` and `settings` outlive the call.
net::awaitable<HealthLook> checkHealth(io::HttpClient& client,
                                       const config::UpstreamSettings& settings);

// The ids in {"data":[{"id":…}]}, or an empty list with `error` set.
std::vector<std::string> readModelList(const std::string& body, const std::string& upstream,
                                       std::string& error);

}  // namespace agw::upstream
