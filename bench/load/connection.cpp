#include "bench/load/connection.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/post.hpp>

namespace agent_load {
namespace {

namespace net = boost::asio;
using tcp = net::ip::tcp;

// So many reads in a row, then it is the turn of the others.
constexpr int kMaxReadsInARow = 64;

}  // namespace

Connection::Connection(Network& network, ConnectionOwner& owner)
    : network_(network), owner_(&owner), transport_(network.io), parser_(*this) {}

void Connection::open() {
  closed_ = false;
  deadline_ = std::chrono::steady_clock::now() + network_.options.connect_timeout;
  network_.watchdog.add(shared_from_this());
  connect();
}

void Connection::connect() {
  const auto self = shared_from_this();
  tcp::socket& socket = transport_.socket();
  boost::system::error_code error;
  socket.open(network_.peer.protocol(), error);
  if (!error) socket.set_option(tcp::no_delay(true), error);
  if (const auto source = network_.nextSource(); source && !error) {
    // The port is chosen at connect, when it need only differ for this peer.
    const int on = 1;
    if (setsockopt(socket.native_handle(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on))) {
      error.assign(errno, boost::system::system_category());
    } else {
      socket.bind(*source, error);
    }
  }
  if (error) {
    net::post(network_.io, [self, error] { self->onConnected(error); });
    return;
  }
  socket.async_connect(network_.peer, [self](const boost::system::error_code& connect_error) {
    self->onConnected(connect_error);
  });
}

void Connection::onConnected(const boost::system::error_code& error) {
  if (closed_) return;
  if (error) return fail(ErrorKind::Connect, error.message());
  boost::system::error_code mode_error;
  transport_.socket().native_non_blocking(true, mode_error);
  if (!mode_error) transport_.socket().non_blocking(true, mode_error);
  if (mode_error) return fail(ErrorKind::Connect, mode_error.message());
  if (!network_.tls) return opened();
  if (!transport_.startTls(*network_.tls)) return fail(ErrorKind::Tls, "no session");
  shakeHands();
}

void Connection::shakeHands() {
  const IoResult result = transport_.handshake();
  switch (result.io) {
    case Io::Done:
      return opened();
    case Io::WantRead:
      return waitReadable();
    case Io::WantWrite:
      return waitWritable();
    case Io::End:
      return fail(ErrorKind::Tls, "closed during the handshake");
    case Io::Failed:
      return fail(ErrorKind::Tls, transport_.error());
  }
}

void Connection::opened() {
  open_ = true;
  deadline_ = SteadyTime::max();
  owner_->onOpen();
  if (!closed_) readAll();
}

void Connection::waitReadable() {
  transport_.socket().async_wait(
      tcp::socket::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
        if (self->closed_) return;
        if (error) return self->fail(ErrorKind::Closed, error.message());
        self->open_ ? self->readAll() : self->shakeHands();
      });
}

void Connection::waitWritable() {
  transport_.socket().async_wait(
      tcp::socket::wait_write, [self = shared_from_this()](const boost::system::error_code& error) {
        if (self->closed_) return;
        if (error) return self->fail(ErrorKind::Closed, error.message());
        if (!self->open_) return self->shakeHands();
        self->writeAll();
        if (!self->closed_ && std::exchange(self->read_waits_for_room_, false)) self->readAll();
      });
}

void Connection::send(std::string_view request) {
  unwritten_ = request;
  waiting_ = true;
  body_reads_ = 0;
  parser_.reset();
  deadline_ = std::chrono::steady_clock::now() + network_.options.read_timeout;
  writeAll();
}

void Connection::writeAll() {
  if (unwritten_.empty()) return;
  while (!unwritten_.empty()) {
    const IoResult result = transport_.write(unwritten_);
    switch (result.io) {
      case Io::Done:
        unwritten_.remove_prefix(result.bytes);
        break;
      case Io::WantWrite:
        return waitWritable();
      case Io::WantRead:
        write_waits_for_data_ = true;
        return;
      case Io::End:
      case Io::Failed:
        // A server may refuse a request before it has read all of it: the reading side finds the
        // answer, or what the end looks like.
        return;
    }
  }
  owner_->onWritten();
}

void Connection::readAll() {
  const auto self = shared_from_this();
  auto& buffer = network_.read_buffer;
  for (int turn = 0; turn < kMaxReadsInARow; ++turn) {
    const std::size_t kept = rest_.size();
    if (kept == buffer.size()) return fail(ErrorKind::Protocol, "a header that does not end");
    const std::size_t room = buffer.size() - kept;
    const IoResult result = transport_.read(buffer.data() + kept, room);
    if (std::exchange(write_waits_for_data_, false)) writeAll();
    if (closed_) return;
    if (result.io == Io::WantRead) return waitReadable();
    if (result.io == Io::WantWrite) {
      read_waits_for_room_ = true;
      return waitWritable();
    }
    if (result.io == Io::End) return atEnd();
    if (result.io == Io::Failed) return fail(ErrorKind::Closed, transport_.error());
    std::memcpy(buffer.data(), rest_.data(), kept);
    rest_.clear();
    read_at_ = Moment::now();
    if (!silence_allowed_) deadline_ = read_at_.steady + network_.options.read_timeout;
    body_in_this_read_ = false;
    consume({buffer.data(), kept + result.bytes});
    if (closed_) return;
    if (!transport_.mayHoldMore(result.bytes, room)) return waitReadable();
  }
  net::post(network_.io, [self] {
    if (!self->closed_) self->readAll();
  });
}

void Connection::consume(std::string_view bytes) {
  if (!waiting_) return fail(ErrorKind::Protocol, "bytes that nobody asked for");
  std::size_t used = 0;
  const AnswerParser::State state = parser_.put(bytes, used);
  if (closed_) return;  // the owner closed it
  bytes.remove_prefix(used);
  switch (state) {
    case AnswerParser::State::NeedMore:
      rest_ = bytes;
      return;
    case AnswerParser::State::Malformed:
      return fail(ErrorKind::Protocol, "an answer that is no HTTP");
    case AnswerParser::State::Complete:
      break;
  }
  if (!bytes.empty()) return fail(ErrorKind::Protocol, "bytes behind the answer");
  waiting_ = false;
  deadline_ = SteadyTime::max();
  owner_->onAnswer(read_at_);
}

void Connection::takeBody(std::string_view bytes) {
  if (closed_) return;
  if (!body_in_this_read_) ++body_reads_;
  body_in_this_read_ = true;
  owner_->onBody(bytes, read_at_);
}

void Connection::atEnd() {
  if (!waiting_ || parser_.putEnd() != AnswerParser::State::Complete) {
    return fail(ErrorKind::Closed, waiting_ ? "closed before the answer was whole" : "closed");
  }
  ConnectionOwner& owner = *owner_;
  close();
  owner.onAnswer(Moment::now());
}

void Connection::onDeadline() {
  fail(ErrorKind::Timeout,
       open_ ? "no answer, or silence in the middle of it" : "the connection did not come about");
}

void Connection::fail(ErrorKind kind, const std::string& message) {
  ConnectionOwner& owner = *owner_;
  close();
  owner.onFailure(kind, message);
}

void Connection::close() {
  if (closed_) return;
  closed_ = true;
  waiting_ = false;
  const auto self = shared_from_this();  // the watchdog's may be the last one
  network_.watchdog.remove(*this);
  transport_.close();
}

}  // namespace agent_load
