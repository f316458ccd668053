// HTTP/1.1 client with keep-alive pools, for upstreams, MCP servers and HTTP tools.
//
// An HttpClient belongs to one io_context and is used on its thread only. Cancelling the awaiting
// coroutine (or destroying an HttpResponse before its end) closes the connection at once.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/deadline.h"
#include "base/error.h"
#include "base/shared_text.h"
#include "base/url.h"
#include "io/http_message.h"

namespace agw::io {

namespace net = boost::asio;

class NameResolver;

struct HttpRequest {
  std::string method = "POST";
  Url url;
  HttpHeaders headers;  // Host, Content-Length and Connection are set by the client
  SharedText body;
};

struct HttpTimeouts {
  Millis connect{5000};       // name lookup, TCP and TLS together
  Millis first_byte{120000};  // request sent -> response header complete
  Millis idle{120000};        // between two reads of the body
  Deadline total;             // the whole exchange
};

// One deadline for the whole exchange; connecting takes at most 5 s of it.
HttpTimeouts timeoutsUntil(Deadline deadline);

// One exchange whose response header has arrived.
class HttpResponse {
 public:
  virtual ~HttpResponse() = default;
  virtual int status() const = 0;
  virtual std::string_view header(std::string_view name) const = 0;  // "" when absent
  // The next piece of the decoded body as it arrives; an empty view is the end. Valid until the
  // next call. A body that ends before its declared end is an UpstreamStreamTruncated error.
  virtual net::awaitable<Result<std::string_view>> read() = 0;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Sends the request and waits for the response header. Errors: UpstreamUnreachable (lookup,
  // connect, TLS, reset before a byte of the answer), UpstreamTimeout, UpstreamInvalidResponse. A
  // pooled connection that the peer had closed is replaced by a fresh one once, when no byte of an
  // answer has arrived and the close was seen before or while the request was written.
  // Error::retryable is set when the peer cannot have acted on the request because it was never
  // written whole; callers whose requests may be repeated need not look at it.
  virtual net::awaitable<Result<std::unique_ptr<HttpResponse>>> send(HttpRequest request,
                                                                     HttpTimeouts timeouts) = 0;
};

struct HttpClientOptions {
  std::size_t max_idle_per_host = 64;
  Millis idle_timeout{30000};  // a pooled connection older than this is closed
  std::size_t max_header_bytes = 65536;
  std::string ca_pem{};                   // trusted certificates; "" = the system's trust store
  std::shared_ptr<NameResolver> names{};  // null: one of its own
};

// Throws std::runtime_error when the certificates cannot be used. Destroyed on the context's
// thread, or when that has stopped; responses may outlive the client, calls of send() may not.
std::unique_ptr<HttpClient> makeHttpClient(net::io_context& context, HttpClientOptions options);

// The rest of the body, at most `limit` bytes (more is UpstreamInvalidResponse).
net::awaitable<Result<std::string>> readAll(HttpResponse& response, std::size_t limit);

}  // namespace agw::io
