// The one log line of a request, and its place in the metrics, written when the request is over,
// however it ended.
#pragma once

#include <string>
#include <utility>

#include "api/request_context.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace agw::api {

// Passes everything on and remembers the status.
class RecordingResponse final : public io::ResponseWriter {
 public:
  explicit RecordingResponse(io::ResponseWriter& inner) : inner_(inner) {}

  int status() const { return status_; }  // 0: nothing was sent
  bool started() const override { return inner_.started(); }
  boost::asio::awaitable<Result<void>> send(int status, io::HttpHeaders headers,
                                            std::string body) override {
    status_ = status;
    return inner_.send(status, std::move(headers), std::move(body));
  }
  boost::asio::awaitable<Result<void>> start(int status, io::HttpHeaders headers,
                                             std::string_view first) override {
    status_ = status;
    return inner_.start(status, std::move(headers), first);
  }
  boost::asio::awaitable<Result<void>> write(std::string_view bytes) override {
    return inner_.write(bytes);
  }
  boost::asio::awaitable<Result<void>> finish(std::string_view last) override {
    return inner_.finish(last);
  }

 private:
  io::ResponseWriter& inner_;
  int status_ = 0;
};

// Writes the line in its destructor, so that a cancelled request has one too.
class RequestLogLine {
 public:
  RequestLogLine(telemetry::Log& log, telemetry::MetricsShard& metrics,
                 const RequestContext& context, const RecordingResponse& response)
      : log_(log), metrics_(metrics), context_(context), response_(response) {}
  RequestLogLine(const RequestLogLine&) = delete;
  RequestLogLine& operator=(const RequestLogLine&) = delete;
  ~RequestLogLine();

  // The client had the whole answer, or as much as there was to have.
  void completed() { completed_ = true; }

 private:
  telemetry::Log& log_;
  telemetry::MetricsShard& metrics_;
  const RequestContext& context_;
  const RecordingResponse& response_;
  Clock::time_point begin_ = Clock::now();
  bool completed_ = false;
};

}  // namespace agw::api
