// Carries JSON-RPC messages to one MCP server by streamable HTTP: one POST a message, the answer as
// JSON or as an event stream that is resumed when it breaks. Knows no handshake and keeps no
// session.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"
#include "config/settings.h"
#include "io/http_client.h"
#include "mcp/answer_stream.h"
#include "protocol/json_rpc.h"

namespace agw::mcp {

namespace net = boost::asio;

// What every request of a session carries.
struct SessionKeys {
  std::string id;       // Mcp-Session-Id; "" when the server gave none
  std::string version;  // MCP-Protocol-Version; "" before the handshake
};

struct Reply {
  bool session_lost = false;     // the server did not process the request: make a new session
  protocol::RpcMessage message;  // otherwise the response with the request's id
  std::string session_id;        // as the response header gave it
};

class StreamableHttpTransport {
 public:
  // What the server says on a stream besides the awaited response. Called on the io_context.
  using MessageSink = std::function<void(const SessionKeys& keys, protocol::RpcMessage message)>;
  // Takes over a response whose body may have an end still to come, so that its connection can be
  // used again.
  using Drain = std::function<void(std::unique_ptr<io::HttpResponse> response)>;

  // The client and the settings outlive the transport.
  StreamableHttpTransport(net::io_context& context, io::HttpClient& client,
                          const config::McpServerSettings& settings, MessageSink on_message,
                          Drain drain);

  // Sends a request and waits for the response to `id`. The transport outlives the coroutine.
  // Errors are ErrorSource::Tool; `retryable` means that nothing can have reached the server. Needs
  // a deadline that is set.
  net::awaitable<Result<Reply>> request(SessionKeys keys, std::int64_t id, std::string body,
                                        Deadline deadline);
  // Sends a notification or a response: 200, 202 and 204 are success.
  net::awaitable<Result<void>> notify(SessionKeys keys, std::string body, Deadline deadline);
  // Ends the session on the server; 405 (it does not do that) is success.
  net::awaitable<Result<void>> endSession(SessionKeys keys, Deadline deadline);

 private:
  using Response = std::unique_ptr<io::HttpResponse>;

  io::HttpRequest makeRequest(std::string method, const SessionKeys& keys) const;
  io::HttpRequest makePost(const SessionKeys& keys, std::string body) const;
  net::awaitable<Result<Reply>> readJson(Response response, const SessionKeys& keys,
                                         std::int64_t id);
  net::awaitable<Result<Reply>> readStream(Response response, const SessionKeys& keys,
                                           std::int64_t id, Deadline deadline);
  // Takes the stream up again where it broke.
  net::awaitable<Result<void>> reconnect(AnswerStream& stream, const SessionKeys& keys,
                                         unsigned& attempts, Deadline deadline);
  net::awaitable<Result<Reply>> readRefusal(Response response, bool had_session_id);
  // The response to `id` among the messages of `text`; the others go to the sink.
  Result<std::optional<protocol::RpcMessage>> pick(std::string_view text, const SessionKeys& keys,
                                                   std::int64_t id) const;
  Error lower(const Error& error) const;

  net::io_context& context_;
  io::HttpClient& client_;
  const config::McpServerSettings& settings_;
  MessageSink on_message_;
  Drain drain_;
};

}  // namespace agw::mcp
