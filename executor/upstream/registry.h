// The configured upstreams, built once a thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>

#include "config/settings.h"
#include "io/http_client.h"
#include "upstream/chat_backend.h"

namespace agw::upstream {

class Registry {
 public:
  // `settings` outlives the registry. An upstream with a ca_file gets an HTTP client of its own.
  // `previous`, if there is one: its clients, with their open connections, serve on.
  Registry(net::io_context& context, const config::Settings& settings,
           const Registry* previous = nullptr);
  // nullptr: no upstream of that name.
  ChatBackend* find(const std::string& name) const;

 private:
  std::map<std::string, std::shared_ptr<io::HttpClient>> clients_;  // by ca_pem
  std::map<std::string, std::unique_ptr<ChatBackend>> backends_;
};

}  // namespace agw::upstream
