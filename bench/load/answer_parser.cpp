#include "bench/load/answer_parser.h"

#include <cstdint>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/parser.hpp>

namespace agent_load {
namespace {

namespace net = boost::asio;
namespace http = boost::beast::http;

constexpr std::uint32_t kMaxHeader = 8u * 1024;

// Hands a body over instead of keeping it; Beast's buffer_body would stop at each chunk.
struct SinkBody {
  using value_type = BodySink*;

  class reader {
   public:
    template <bool IsRequest, class Fields>
    reader(http::header<IsRequest, Fields>&, value_type& sink) : sink_(sink) {}

    void init(const boost::optional<std::uint64_t>&, boost::system::error_code& error) {
      error = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& error) {
      error = {};
      for (const net::const_buffer buffer : boost::beast::buffers_range_ref(buffers)) {
        sink_->takeBody({static_cast<const char*>(buffer.data()), buffer.size()});
      }
      return net::buffer_size(buffers);
    }
    void finish(boost::system::error_code& error) { error = {}; }

   private:
    value_type& sink_;  // set once the parser stands
  };
};

}  // namespace

struct AnswerParser::Parts {
  explicit Parts(BodySink& body_sink) : sink(&body_sink) {}

  void reset() {
    parser.emplace();
    parser->get().body() = sink;
    parser->header_limit(kMaxHeader);
    parser->body_limit(boost::none);  // nothing of it is kept
    parser->eager(true);
  }

  BodySink* sink;
  std::optional<http::response_parser<SinkBody>> parser;
};

AnswerParser::AnswerParser(BodySink& sink) : parts_(std::make_unique<Parts>(sink)) { reset(); }
AnswerParser::~AnswerParser() = default;

void AnswerParser::reset() { parts_->reset(); }

AnswerParser::State AnswerParser::put(std::string_view bytes, std::size_t& used) {
  auto& parser = *parts_->parser;
  used = 0;
  while (used < bytes.size() && !parser.is_done()) {
    boost::system::error_code error;
    const std::size_t taken =
        parser.put(net::buffer(bytes.data() + used, bytes.size() - used), error);
    used += taken;
    if (error && error != http::error::need_more) return State::Malformed;
    if (taken == 0) break;
  }
  return parser.is_done() ? State::Complete : State::NeedMore;
}

AnswerParser::State AnswerParser::putEnd() {
  auto& parser = *parts_->parser;
  if (!parser.got_some()) return State::NeedMore;
  boost::system::error_code error;
  parser.put_eof(error);
  return !error && parser.is_done() ? State::Complete : State::NeedMore;
}

unsigned AnswerParser::status() const {
  const auto& parser = *parts_->parser;
  return parser.is_header_done() ? parser.get().result_int() : 0;
}

bool AnswerParser::keepAlive() const { return parts_->parser->keep_alive(); }

}  // namespace agent_load
