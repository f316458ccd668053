// The HttpResponse of http_client: header and body of one exchange on a ClientConnection.
#pragma once

#include <memory>
#include <optional>

#include "io/client_connection.h"
#include "io/connection_pool.h"
#include "io/http_client.h"
#include "io/message_parser.h"

namespace agw::io {

class ClientResponse final : public HttpResponse {
 public:
  struct Limits {
    std::size_t header_bytes = 0;
    HttpTimeouts timeouts;
    bool head = false;  // the request was HEAD: no body follows
  };

  ClientResponse(std::unique_ptr<ClientConnection> connection, std::weak_ptr<ConnectionPool> pool,
                 Limits limits);
  ~ClientResponse() override;

  // Reads up to the end of the header, past 1xx answers. An error closes the connection.
  net::awaitable<Result<void>> readHeader(Deadline deadline);
  bool gotBytes() const { return got_bytes_; }
  // The request was not written to its end: the connection cannot carry another one.
  void spoil() { reusable_ = false; }

  int status() const override { return parser_->status(); }
  std::string_view header(std::string_view name) const override {
    return findHeader(parser_->headers(), name);
  }
  net::awaitable<Result<std::string_view>> read() override;

 private:
  void resetParser();
  // Parses what is buffered; true when more bytes are needed.
  Result<bool> parseHeader();
  void parseBody();
  Error readError(const boost::system::error_code& error, ErrorCode code) const;
  Error fail(Error error);
  void release();

  std::unique_ptr<ClientConnection> connection_;  // null after the end
  std::weak_ptr<ConnectionPool> pool_;
  Limits limits_;
  std::optional<ResponseParser> parser_;
  std::size_t parsed_ =
      0;  // bytes of the buffer behind the last piece; they are dropped at the next read
  std::optional<Error> failed_;
  bool got_bytes_ = false;
  bool reusable_ = true;
};

}  // namespace agw::io
