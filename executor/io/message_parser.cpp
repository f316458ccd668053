#include "io/message_parser.h"

#include <algorithm>
#include <boost/beast/http/error.hpp>
#include <cstring>
#include <limits>
#include <utility>

namespace agw::io {
namespace {

// Room made for a declared length at once; beyond it the string grows with what really arrives.
constexpr std::uint64_t kFirstBodyReserve = 1 << 20;
// And for what an endpoint may add to the text, so that it need not move for that.
constexpr std::size_t kEditRoom = 256;

std::uint32_t beastLimit(std::size_t limit) {
  return static_cast<std::uint32_t>(
      std::min<std::size_t>(limit, std::numeric_limits<std::uint32_t>::max()));
}

boost::beast::error_code notEnoughMemory() {
  return make_error_code(boost::system::errc::not_enough_memory);
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

void FieldCollector::count(std::size_t bytes, boost::beast::error_code& ec) {
  seen_ += bytes;
  if (seen_ > limit_) ec = http::error::header_limit;
}

void FieldCollector::add(http::field field, std::string_view name, std::string_view value,
                         boost::beast::error_code& ec) {
  count(name.size() + value.size() + 4, ec);
  if (ec || !in_header_) return;  // trailers are dropped: they may not stand in for header fields
  if (field == http::field::transfer_encoding && !sameHeaderName(value, "chunked")) {
    ec = http::error::bad_transfer_encoding;  // a coding that we would pass on undecoded
    return;
  }
  headers.push_back({std::string(name), std::string(value)});
}

RequestParser::RequestParser(std::size_t limit, std::size_t body, MemoryShare memory)
    : fields_(limit) {
  request_.memory = std::move(memory);
  header_limit(beastLimit(limit));
  body_limit(body);
}

bool RequestParser::expectsContinue() const {
  return isHttp11() && sameHeaderName(findHeader(fields_.headers, "Expect"), "100-continue");
}

ServerRequest RequestParser::take() {
  request_.headers = std::move(fields_.headers);
  return std::move(request_);
}

void RequestParser::on_request_impl(http::verb, string_view method, string_view target, int version,
                                    error_code& ec) {
  fields_.count(method.size() + target.size() + 12, ec);
  request_.method.assign(method.data(), method.size());
  request_.target.assign(target.data(), target.size());
  version_ = version;
}

void RequestParser::on_field_impl(http::field field, string_view name, string_view value,
                                  error_code& ec) {
  fields_.add(field, view(name), view(value), ec);
}

// A declared length is refused before a byte of the body is awaited.
void RequestParser::on_header_impl(error_code& ec) {
  fields_.endOfHeader();
  const auto length = content_length();
  if (length && !request_.memory.growTo(*length)) ec = notEnoughMemory();
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) {
  if (length) request_.body.reserve(std::min(*length, kFirstBodyReserve) + kEditRoom);
}

std::size_t RequestParser::on_body_impl(string_view body, error_code& ec) {
  if (!request_.memory.growTo(request_.body.size() + body.size())) {
    ec = notEnoughMemory();
    return 0;
  }
  request_.body.append(body.data(), body.size());
  return body.size();
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code& ec) {
  return on_body_impl(body, ec);
}

ResponseParser::ResponseParser(std::size_t limit) : fields_(limit) {
  header_limit(beastLimit(limit));
  body_limit(boost::none);
}

void ResponseParser::clearPiece() {
  piece_begin_ = nullptr;
  piece_size_ = 0;
}

void ResponseParser::on_response_impl(int code, string_view reason, int, error_code& ec) {
  fields_.count(reason.size() + 15, ec);
  status_ = code;
}

void ResponseParser::on_field_impl(http::field field, string_view name, string_view value,
                                   error_code& ec) {
  fields_.add(field, view(name), view(value), ec);
}

void ResponseParser::on_header_impl(error_code&) { fields_.endOfHeader(); }

std::size_t ResponseParser::on_body_impl(string_view body, error_code&) {
  // The bytes lie in the connection's own read buffer, which is writable.
  char* const bytes = const_cast<char*>(body.data());
  if (piece_size_ == 0) {
    piece_begin_ = bytes;
  } else if (piece_begin_ + piece_size_ != bytes) {
    std::memmove(piece_begin_ + piece_size_, bytes, body.size());
  }
  piece_size_ += body.size();
  return body.size();
}

std::size_t ResponseParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code& ec) {
  return on_body_impl(body, ec);
}

}  // namespace agw::io
