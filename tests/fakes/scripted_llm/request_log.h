// What the double was asked and how each exchange ended. One object for all threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace scripted_llm {

enum class ExchangeStatus : std::uint8_t { Open, Done, PeerClosed };

// Written by the thread of its connection, read by any other through the log.
struct Exchange {
  std::uint64_t number = 0;
  std::uint64_t connection = 0;
  double started = 0;  // seconds since 1970
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, no secrets
  std::string authorization;                                 // absent|expected|other
  std::string body;
  std::size_t body_size = 0;  // as received; `body` may be cut
  bool body_is_json = false;

  std::atomic<std::uint64_t> events{0};
  std::atomic<unsigned> http_status{0};  // 0: nothing sent yet
  std::atomic<ExchangeStatus> status{ExchangeStatus::Open};
  std::atomic<double> ended{0};
};

double secondsNow();

struct LogQuery {
  std::uint64_t since = 0;              // numbers above this
  std::optional<std::size_t> max_body;  // longer bodies are shown cut, as text
};

class RequestLog {
 public:
  // At most `max_records` exchanges and `max_bytes` of bodies are kept; the oldest go first.
  RequestLog(std::size_t max_records, std::size_t max_bytes, std::size_t max_body);

  // Takes the number and, for a body over max_body (unless that is 0), the cut. Counts it as open.
  void add(const std::shared_ptr<Exchange>& exchange);
  // Only the first call for an exchange counts.
  void finish(Exchange& exchange, ExchangeStatus status);

  std::string toJson(const LogQuery& query) const;
  std::string statsJson() const;
  // Forgets the records and sets the counters of ended exchanges to zero; numbers go on.
  void clear();

  // A request for the list of models is counted here alone.
  void modelsListed() { ++model_lists_; }

  void connectionOpened() { ++connections_open_, ++connections_total_; }
  void connectionClosed() { --connections_open_; }

 private:
  const std::size_t max_records_;
  const std::size_t max_bytes_;
  const std::size_t max_body_;
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<Exchange>> records_;  // guarded, as are the next two
  std::size_t bytes_ = 0;
  std::uint64_t last_number_ = 0;
  std::atomic<std::int64_t> open_{0};
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::uint64_t> peer_closed_{0};
  std::atomic<std::uint64_t> model_lists_{0};
  std::atomic<std::int64_t> connections_open_{0};
  std::atomic<std::uint64_t> connections_total_{0};
};

}  // namespace scripted_llm
