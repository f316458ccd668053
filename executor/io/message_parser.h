// Beast's HTTP/1.1 parser with our own containers: header fields go straight into HttpHeaders, a
// request's body into its string, and a response's body stays in the read buffer, where pieces are
// joined in place.
#pragma once

#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <string_view>

#include "io/http_message.h"
#include "io/http_server.h"

namespace agw::io {

namespace http = boost::beast::http;

// What both directions check while fields come in.
class FieldCollector {
 public:
  explicit FieldCollector(std::size_t limit) : limit_(limit) {}

  // Beast's own limit does not hold for fields that arrive one by one: this one counts them all,
  // with trailers.
  void count(std::size_t bytes, boost::beast::error_code& ec);
  void add(http::field field, std::string_view name, std::string_view value,
           boost::beast::error_code& ec);
  void endOfHeader() { in_header_ = false; }

  HttpHeaders headers;

 private:
  std::size_t limit_;
  std::size_t seen_ = 0;
  bool in_header_ = true;
};

class RequestParser final : public http::basic_parser<true> {
 public:
  // `memory` is what the body is counted in. Where it does not fit the error is
  // errc::not_enough_memory.
  RequestParser(std::size_t header_limit, std::size_t body_limit, MemoryShare memory = {});

  bool startLineDone() const { return version_ != 0; }
  bool isHttp11() const { return version_ == 11; }
  bool expectsContinue() const;
  // Once, when is_done().
  ServerRequest take();

 private:
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;
  void on_request_impl(http::verb, string_view method, string_view target, int version,
                       error_code&) override;
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(http::field field, string_view name, string_view value,
                     error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override;
  std::size_t on_body_impl(string_view body, error_code& ec) override;
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& ec) override;
  void on_finish_impl(error_code&) override {}

  FieldCollector fields_;
  ServerRequest request_;
  int version_ = 0;
};

class ResponseParser final : public http::basic_parser<false> {
 public:
  explicit ResponseParser(std::size_t header_limit);

  int status() const { return status_; }
  const HttpHeaders& headers() const { return fields_.headers; }

  // The body bytes that put() has met since the last clearPiece(). Later chunks are moved down to
  // follow the first one inside the buffer given to put(), so all calls in between must be on one
  // buffer.
  std::string_view piece() const { return {piece_begin_, piece_size_}; }
  void clearPiece();

 private:
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;
  void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view reason, int version, error_code&) override;
  void on_field_impl(http::field field, string_view name, string_view value,
                     error_code& ec) override;
  void on_header_impl(error_code&) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override;
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override;
  void on_finish_impl(error_code&) override {}

  FieldCollector fields_;
  int status_ = 0;
  char* piece_begin_ = nullptr;
  std::size_t piece_size_ = 0;
};

}  // namespace agw::io
