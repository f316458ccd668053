// The tools of a configuration, built once a thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>

#include "config/settings.h"
#include "io/http_client.h"
#include "mcp/session.h"
#include "telemetry/log.h"
#include "tool/tool.h"

namespace agw::tool {

class ToolSet {
 public:
  // Builds a session a server and a tool for every entry without an error. All arguments outlive
  // the set, but for `previous`: sessions of servers that are described as they were there go on.
  ToolSet(net::io_context& context, io::HttpClient& client, const config::Settings& settings,
          telemetry::Log& log, const ToolSet* previous = nullptr);
  // nullptr: no such tool, or it cannot be built. `key` is a key of Settings::tools.
  Tool* find(const std::string& key) const;
  // By name, those that have a session.
  std::map<std::string, mcp::SessionStatus> servers() const;
  // Asks every MCP server for its tools anew, side by side. What comes of it is in servers().
  net::awaitable<void> refresh(Deadline deadline) const;
  // For good: ends the MCP sessions that no other set shares, side by side.
  net::awaitable<void> close();

 private:
  struct Server {
    config::McpServerSettings settings;
    std::shared_ptr<mcp::Session> session;
  };

  std::map<std::string, Server> servers_;
  std::map<std::string, std::unique_ptr<Tool>> tools_;
};

}  // namespace agw::tool
