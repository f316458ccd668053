#include "io/client_response.h"

#include <boost/asio/ssl/error.hpp>
#include <boost/beast/http/error.hpp>

#include "io/coro.h"

namespace agw::io {
namespace {

constexpr int kMaxInterimAnswers = 16;

Error invalid(std::string detail) {
  return upstreamError(ErrorCode::UpstreamInvalidResponse,
                       "the upstream's answer is not valid HTTP", std::move(detail));
}

bool isEnd(const boost::system::error_code& error) {
  return error == net::error::eof || error == net::ssl::error::stream_truncated;
}

}  // namespace

ClientResponse::ClientResponse(std::unique_ptr<ClientConnection> connection,
                               std::weak_ptr<ConnectionPool> pool, Limits limits)
    : connection_(std::move(connection)), pool_(std::move(pool)), limits_(std::move(limits)) {
  resetParser();
}

ClientResponse::~ClientResponse() {
  if (connection_ && !failed_ && parser_->is_done()) release();
}

void ClientResponse::resetParser() {
  parser_.emplace(limits_.header_bytes);
  parser_->skip(limits_.head);
}

net::awaitable<Result<void>> ClientResponse::readHeader(Deadline deadline) {
  int interim = 0;
  for (;;) {
    Result<bool> need_more = parseHeader();
    if (!need_more) co_return fail(need_more.error());
    if (!*need_more) {
      if (parser_->status() / 100 != 1) co_return Result<void>();
      if (parser_->status() == 101 || ++interim > kMaxInterimAnswers) {
        co_return fail(invalid("unexpected 1xx answer"));
      }
      resetParser();
      continue;
    }
    const auto [error, size] = co_await connection_->read(deadline);
    if (size > 0) got_bytes_ = true;
    if (error) co_return fail(readError(error, ErrorCode::UpstreamUnreachable));
  }
}

Result<bool> ClientResponse::parseHeader() {
  auto& buffer = connection_->buffer();
  while (!parser_->is_header_done()) {
    if (buffer.size() == 0) return true;
    boost::beast::error_code error;
    buffer.consume(parser_->put(buffer.cdata(), error));
    if (error == http::error::need_more) return true;
    if (error) return invalid(error.message());
  }
  return false;
}

net::awaitable<Result<std::string_view>> ClientResponse::read() {
  if (failed_) co_return *failed_;
  if (!connection_) co_return std::string_view();
  parser_->clearPiece();
  connection_->buffer().consume(std::exchange(parsed_, 0));
  for (;;) {
    parseBody();
    if (!parser_->piece().empty()) co_return parser_->piece();
    if (failed_) co_return fail(*failed_);
    if (parser_->is_done()) {
      release();
      co_return std::string_view();
    }
    // Nothing was found in what was parsed: framing alone, or nothing at all.
    connection_->buffer().consume(std::exchange(parsed_, 0));
    const Deadline deadline = earlier(limits_.timeouts.total, Deadline::in(limits_.timeouts.idle));
    const auto [error, size] = co_await connection_->read(deadline);
    if (!error) continue;
    boost::beast::error_code cut = http::error::partial_message;
    // Over TLS an end without a closing alert may be an attacker's.
    if (error == net::error::eof) parser_->put_eof(cut);
    if (cut) co_return fail(readError(error, ErrorCode::UpstreamStreamTruncated));
  }
}

// Collects body bytes until the buffer holds nothing more of use.
void ClientResponse::parseBody() {
  auto& buffer = connection_->buffer();
  while (!parser_->is_done() && parsed_ < buffer.size()) {
    boost::beast::error_code error;
    parsed_ += parser_->put(buffer.cdata() + parsed_, error);
    if (error == http::error::need_more) return;
    if (error) {
      failed_ = invalid(error.message());
      return;
    }
  }
}

Error ClientResponse::readError(const boost::system::error_code& error, ErrorCode code) const {
  const std::string detail = connection_->peer() + ": " + error.message();
  if (connection_->timedOut()) {
    return upstreamError(ErrorCode::UpstreamTimeout, "the upstream took too long to answer",
                         detail);
  }
  if (error == net::error::no_buffer_space)
    return invalid("the header or a chunk header is too large");
  if (code == ErrorCode::UpstreamUnreachable && got_bytes_) {
    return invalid(isEnd(error) ? "the connection ended inside the header" : detail);
  }
  if (code == ErrorCode::UpstreamUnreachable) {
    return upstreamError(code, "the upstream closed the connection without an answer", detail);
  }
  return upstreamError(code, "the upstream's answer was cut short", detail);
}

Error ClientResponse::fail(Error error) {
  connection_.reset();
  failed_ = std::move(error);
  return *failed_;
}

void ClientResponse::release() {
  const bool quiet = connection_->buffer().size() == parsed_;
  const auto pool = pool_.lock();
  if (pool && quiet && reusable_ && parser_->keep_alive()) {
    pool->give(std::move(connection_));
  }
  connection_.reset();
}

}  // namespace agw::io
