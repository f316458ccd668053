#include "api/executor_name.h"

#include <unistd.h>

#include <array>
#include <utility>

namespace agw::api {

const std::string& executorName() {
  static const std::string name = [] {
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) host = {'?'};
    return std::string(host.data()) + ':' + std::to_string(::getpid());
  }();
  return name;
}

net::awaitable<Result<void>> sendAdminJson(RequestContext& context, std::string body) {
  io::HttpHeaders headers = context.baseHeaders();
  headers.push_back({"Content-Type", "application/json"});
  headers.push_back({"X-Agent-Executor", executorName()});
  co_return co_await context.response.send(200, std::move(headers), std::move(body));
}

}  // namespace agw::api
