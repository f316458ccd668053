// The ResponseWriter of one request on a ServerConnection.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>

#include "io/http_server.h"
#include "io/server_connection.h"

namespace agw::io {

class ServerResponse final : public ResponseWriter {
 public:
  struct Framing {
    bool http11 = true;
    bool head = false;        // the request was HEAD: no body follows
    bool keep_alive = false;  // as far as the request and the limits allow it
  };

  ServerResponse(ServerConnection& connection, Framing framing)
      : connection_(connection), framing_(framing) {}

  bool started() const override { return phase_ != Phase::Fresh; }
  net::awaitable<Result<void>> send(int status, HttpHeaders headers, std::string body) override;
  net::awaitable<Result<void>> start(int status, HttpHeaders headers,
                                     std::string_view first) override;
  net::awaitable<Result<void>> write(std::string_view bytes) override;
  net::awaitable<Result<void>> finish(std::string_view last) override;

  bool complete() const { return phase_ == Phase::Complete; }
  bool failed() const { return phase_ == Phase::Failed; }
  bool keepAlive() const { return complete() && framing_.keep_alive; }

 private:
  enum class Phase { Fresh, Streaming, Complete, Failed };
  using Buffers = std::array<net::const_buffer, 4>;

  Result<std::string> makeHead(int status, const HttpHeaders& headers);
  net::awaitable<Result<void>> writeAll(Buffers buffers, Phase next);
  std::string_view connectionLine() const;
  Error outOfOrder();

  ServerConnection& connection_;
  Framing framing_;
  bool bodiless_ = false;  // HEAD, 204, 304
  Phase phase_ = Phase::Fresh;
};

}  // namespace agw::io
