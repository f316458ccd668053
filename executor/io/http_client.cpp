#include "io/http_client.h"

#include <algorithm>

#include "io/client_connection.h"
#include "io/client_response.h"
#include "io/connection_pool.h"
#include "io/name_lookup.h"
#include "io/tls.h"

namespace agw::io {
namespace {

std::string peerOf(const Url& url) {
  return (url.tls ? "https:" : "http:") + url.host + ":" + std::to_string(url.port);
}

bool setByClient(std::string_view name) {
  return sameHeaderName(name, "Host") || sameHeaderName(name, "Content-Length") ||
         sameHeaderName(name, "Connection") || sameHeaderName(name, "Transfer-Encoding");
}

// The caller's mistakes: configuration is checked where it is loaded, so these are bugs or hostile
// header values.
bool canBeWritten(const HttpRequest& request) {
  if (!isToken(request.method) || request.url.target.empty()) return false;
  for (const unsigned char c : request.url.target) {
    if (c <= 0x20 || c == 0x7f) return false;
  }
  for (const HttpHeader& header : request.headers) {
    if (!validHeader(header)) return false;
  }
  return validHeader({"Host", request.url.authority()});
}

bool bodyExpected(const std::string& method) {
  return method != "GET" && method != "HEAD" && method != "DELETE" && method != "OPTIONS";
}

std::string makeHead(const HttpRequest& request) {
  std::string head;
  head.reserve(512);
  head.append(request.method).append(" ").append(request.url.target).append(" HTTP/1.1\r\n");
  appendHeader(head, "Host", request.url.authority());
  for (const HttpHeader& header : request.headers) {
    if (!setByClient(header.name)) appendHeader(head, header.name, header.value);
  }
  if (findHeader(request.headers, "Accept-Encoding").empty()) {
    appendHeader(head, "Accept-Encoding", "identity");
  }
  if (!request.body.empty() || bodyExpected(request.method)) {
    appendHeader(head, "Content-Length", std::to_string(request.body.size()));
  }
  head.append("\r\n");
  return head;
}

class Client final : public HttpClient {
 public:
  Client(net::io_context& context, HttpClientOptions options)
      : context_(context),
        options_(std::move(options)),
        tls_(std::make_shared<TlsContext>(options_.ca_pem)),
        lookup_(context, options_.names ? options_.names : std::make_shared<NameResolver>()),
        pool_(std::make_shared<ConnectionPool>(context, options_)) {}

  net::awaitable<Result<std::unique_ptr<HttpResponse>>> send(HttpRequest request,
                                                             HttpTimeouts timeouts) override {
    if (!canBeWritten(request)) {
      co_return gatewayError(ErrorCode::InternalError, "internal error",
                             "an HTTP request with an invalid method, target or header");
    }
    const std::string peer = peerOf(request.url);
    std::unique_ptr<ClientConnection> pooled = pool_->take(peer);
    if (pooled) {
      Attempt first = co_await exchange(std::move(pooled), request, timeouts);
      if (!first.stale) co_return std::move(first.result);
    }
    auto opened = co_await open(request.url, peer, timeouts);
    if (!opened) co_return opened.error();
    Attempt fresh = co_await exchange(std::move(*opened), request, timeouts);
    co_return std::move(fresh.result);
  }

 private:
  using Sent = Result<std::unique_ptr<HttpResponse>>;
  struct Attempt {
    Sent result;
    bool stale;  // the peer had closed the connection before the request was written
  };

  net::awaitable<Result<std::unique_ptr<ClientConnection>>> open(Url url, std::string peer,
                                                                 HttpTimeouts timeouts) {
    const Deadline deadline = earlier(timeouts.total, Deadline::in(timeouts.connect));
    NameLookup::Answer found = co_await lookup_.find(url.host, url.port, deadline);
    if (found.error) {
      const bool late = found.error == net::error::timed_out;
      Error error = late ? upstreamError(ErrorCode::UpstreamTimeout,
                                         "looking up the upstream's name took too long")
                         : upstreamError(ErrorCode::UpstreamUnreachable,
                                         "the upstream's name cannot be resolved");
      error.detail =
          peer + ": " + (late ? "the name server did not answer in time" : found.error.message());
      error.retryable = true;
      co_return error;
    }
    auto connection = std::make_unique<ClientConnection>(
        context_, peer, options_.max_header_bytes + ClientConnection::kReadSize);
    // Named first: g++ 12 destroys a conditional temporary of a co_await expression twice.
    const std::shared_ptr<TlsContext> tls = url.tls ? tls_ : nullptr;
    auto connected =
        co_await connection->connect(std::move(found.endpoints), url.host, tls, deadline);
    if (!connected) {
      lookup_.doubt(url.host);
      co_return connected.error();
    }
    co_return std::move(connection);
  }

  net::awaitable<Attempt> exchange(std::unique_ptr<ClientConnection> connection,
                                   const HttpRequest& request, HttpTimeouts timeouts) {
    ClientConnection& wire = *connection;
    const Deadline write_deadline = earlier(timeouts.total, Deadline::in(timeouts.idle));
    const auto write_error =
        co_await wire.write(makeHead(request), request.body.view(), write_deadline);
    if (write_error && wire.timedOut()) {
      co_return Attempt{
          upstreamError(ErrorCode::UpstreamTimeout, "the upstream does not read the request",
                        wire.peer() + ": " + write_error.message()),
          false};
    }
    auto response = std::make_unique<ClientResponse>(
        std::move(connection), pool_,
        ClientResponse::Limits{options_.max_header_bytes, timeouts, request.method == "HEAD"});
    if (write_error) response->spoil();
    // After a failed write there may still be an answer to read: a server that refuses a large body
    // early.
    const Deadline header_deadline = earlier(timeouts.total, Deadline::in(timeouts.first_byte));
    auto answered = co_await response->readHeader(header_deadline);
    if (answered) co_return Attempt{Sent(std::move(response)), false};
    Error error = answered.error();
    const bool unwritten = static_cast<bool>(write_error) && !response->gotBytes();
    error.retryable = unwritten;
    co_return Attempt{std::move(error), unwritten};
  }

  net::io_context& context_;
  const HttpClientOptions options_;
  const std::shared_ptr<TlsContext> tls_;
  NameLookup lookup_;
  const std::shared_ptr<ConnectionPool> pool_;
};

}  // namespace

HttpTimeouts timeoutsUntil(Deadline deadline) {
  constexpr Millis kConnect{5000};
  const Millis left = std::max(deadline.remaining(), Millis(1));
  return {std::min(kConnect, left), left, left, deadline};
}

std::unique_ptr<HttpClient> makeHttpClient(net::io_context& context, HttpClientOptions options) {
  return std::make_unique<Client>(context, std::move(options));
}

net::awaitable<Result<std::string>> readAll(HttpResponse& response, std::size_t limit) {
  std::string all;
  for (;;) {
    Result<std::string_view> piece = co_await response.read();
    if (!piece) co_return piece.error();
    if (piece->empty()) co_return all;
    if (piece->size() > limit - all.size()) {
      co_return upstreamError(ErrorCode::UpstreamInvalidResponse,
                              "the upstream's answer is too large",
                              "over " + std::to_string(limit) + " bytes");
    }
    all.append(*piece);
  }
}

}  // namespace agw::io
