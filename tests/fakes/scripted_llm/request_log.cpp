#include "request_log.h"

#include <chrono>

#include <nlohmann/json.hpp>

namespace scripted_llm {
namespace {

using nlohmann::ordered_json;

const char* nameOf(ExchangeStatus status) {
  switch (status) {
    case ExchangeStatus::Open:
      return "open";
    case ExchangeStatus::Done:
      return "done";
    case ExchangeStatus::PeerClosed:
      return "peer_closed";
  }
  return "";
}

std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// The body stands in the record as it came, so that numbers and key order are those of the wire.
std::string recordJson(const Exchange& exchange, const LogQuery& query) {
  const double ended = exchange.ended.load();
  const bool cut = exchange.body.size() < exchange.body_size ||
                   (query.max_body && exchange.body.size() > *query.max_body);
  ordered_json record = {{"number", exchange.number},
                         {"connection", exchange.connection},
                         {"time", exchange.started},
                         {"method", exchange.method},
                         {"path", exchange.target},
                         {"headers", ordered_json::object()},
                         {"authorization", exchange.authorization},
                         {"status", nameOf(exchange.status.load())},
                         {"http_status", exchange.http_status.load()},
                         {"events", exchange.events.load()},
                         {"ended", ended > 0 ? ordered_json(ended) : ordered_json()},
                         {"body_bytes", exchange.body_size},
                         {"body_cut", cut}};
  for (const auto& [name, value] : exchange.headers) {
    ordered_json& header = record["headers"][name];
    header = header.is_null() ? value : header.get<std::string>() + ", " + value;
  }
  if (exchange.body_is_json && !cut) {
    std::string text = dump(record);
    text.pop_back();
    return text + ",\"body\":" + exchange.body + "}";
  }
  record["body"] = nullptr;
  record["body_text"] = exchange.body.substr(0, query.max_body.value_or(std::string::npos));
  return dump(record);
}

}  // namespace

double secondsNow() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

RequestLog::RequestLog(std::size_t max_records, std::size_t max_bytes, std::size_t max_body)
    : max_records_(max_records), max_bytes_(max_bytes), max_body_(max_body) {}

void RequestLog::add(const std::shared_ptr<Exchange>& exchange) {
  exchange->started = secondsNow();
  exchange->body_size = exchange->body.size();
  if (max_body_ > 0 && exchange->body.size() > max_body_) {
    exchange->body.resize(max_body_);
    exchange->body.shrink_to_fit();
  }
  ++open_;
  const std::lock_guard lock(mutex_);
  exchange->number = ++last_number_;
  bytes_ += exchange->body.size();
  records_.push_back(exchange);
  while (records_.size() > max_records_ || (bytes_ > max_bytes_ && records_.size() > 1)) {
    bytes_ -= records_.front()->body.size();
    records_.pop_front();
  }
}

void RequestLog::finish(Exchange& exchange, ExchangeStatus status) {
  if (exchange.status.load() != ExchangeStatus::Open) return;
  exchange.ended = secondsNow();
  --open_;
  ++(status == ExchangeStatus::Done ? done_ : peer_closed_);
  exchange.status = status;
}

std::string RequestLog::toJson(const LogQuery& query) const {
  std::vector<std::shared_ptr<Exchange>> records;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& record : records_) {
      if (record->number > query.since) records.push_back(record);
    }
  }
  std::string out = "[";
  for (const auto& record : records) {
    if (out.size() > 1) out += ",\n";
    out += recordJson(*record, query);
  }
  return out + "]\n";
}

std::string RequestLog::statsJson() const {
  std::uint64_t requests = 0;
  {
    const std::lock_guard lock(mutex_);
    requests = last_number_;
  }
  return dump({{"open", open_.load()},
               {"done", done_.load()},
               {"peer_closed", peer_closed_.load()},
               {"requests", requests},
               {"model_lists", model_lists_.load()},
               {"connections_open", connections_open_.load()},
               {"connections_total", connections_total_.load()}}) +
         "\n";
}

void RequestLog::clear() {
  const std::lock_guard lock(mutex_);
  records_.clear();
  bytes_ = 0;
  done_ = 0;
  peer_closed_ = 0;
  model_lists_ = 0;
}

}  // namespace scripted_llm
