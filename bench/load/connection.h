// One HTTP/1.1 connection: opens, sends one request at a time, hands the answer on as it comes.
// Every wait has a deadline.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bench/load/answer_parser.h"
#include "bench/load/moment.h"
#include "bench/load/network.h"
#include "bench/load/tally.h"
#include "bench/load/transport.h"

namespace agent_load {

class Connection;

// Must outlive its connections, or close() them. None of these is called from within open().
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  virtual void onOpen() = 0;
  virtual void onWritten() {}  // the whole request; may come from within send()
  virtual void onBody(std::string_view bytes, const Moment& now) = 0;
  virtual void onAnswer(const Moment& now) = 0;  // whole; send() may follow at once
  // The connection is closed. Also comes while no answer is waited for.
  virtual void onFailure(ErrorKind kind, const std::string& message) = 0;
};

class Connection final : public std::enable_shared_from_this<Connection>, private BodySink {
 public:
  Connection(Network& network, ConnectionOwner& owner);

  void open();
  // The text must stay as it is until the answer is whole.
  void send(std::string_view request);
  // From now on the silence of the peer is no error.
  void allowSilence() { deadline_ = SteadyTime::max(), silence_allowed_ = true; }
  // At once; the owner hears nothing more.
  void close();

  unsigned status() const { return parser_.status(); }
  bool reusable() const { return !closed_ && unwritten_.empty() && parser_.keepAlive(); }
  std::uint64_t bodyReads() const { return body_reads_; }  // since the last send()

 private:
  friend class Watchdog;

  void takeBody(std::string_view bytes) override;
  void connect();
  void onConnected(const boost::system::error_code& error);
  void shakeHands();
  void opened();
  void waitReadable();
  void waitWritable();
  void readAll();
  void consume(std::string_view bytes);
  void writeAll();
  void atEnd();
  void onDeadline();
  void fail(ErrorKind kind, const std::string& message);

  Network& network_;
  ConnectionOwner* owner_;
  Transport transport_;
  AnswerParser parser_;
  std::string rest_;  // read and not parsed yet: the piece of a header or of a chunk's size
  std::string_view unwritten_;  // of the request
  SteadyTime deadline_ = SteadyTime::max();
  Moment read_at_{};
  std::uint64_t body_reads_ = 0;
  std::size_t watch_place_ = 0;
  bool body_in_this_read_ = false;
  bool open_ = false;     // TCP and TLS stand
  bool waiting_ = false;  // for an answer
  bool closed_ = true;
  bool silence_allowed_ = false;
  // TLS may have to write in order to read, and the other way round.
  bool read_waits_for_room_ = false;
  bool write_waits_for_data_ = false;
};

}  // namespace agent_load
