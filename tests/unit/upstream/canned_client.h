// An HTTP client that answers with what the test has prepared.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/http_client.h"

namespace agw::upstream {

// Gives the pieces one by one, then an error or the end.
class CannedResponse final : public io::HttpResponse {
 public:
  CannedResponse(int status, std::string content_type, std::vector<std::string> pieces,
                 std::optional<Error> end)
      : status_(status),
        content_type_(std::move(content_type)),
        pieces_(std::move(pieces)),
        end_(std::move(end)) {}

  int status() const override { return status_; }
  std::string_view header(std::string_view name) const override {
    return name == "content-type" ? std::string_view(content_type_) : std::string_view();
  }
  net::awaitable<Result<std::string_view>> read() override {
    if (next_ < pieces_.size()) co_return std::string_view(pieces_[next_++]);
    if (end_) co_return *end_;
    co_return std::string_view();
  }

 private:
  int status_;
  std::string content_type_;
  std::vector<std::string> pieces_;
  std::optional<Error> end_;
  std::size_t next_ = 0;
};

class CannedClient final : public io::HttpClient {
 public:
  net::awaitable<Result<std::unique_ptr<io::HttpResponse>>> send(io::HttpRequest request,
                                                                 io::HttpTimeouts) override {
    requests.push_back(std::move(request));
    std::unique_ptr<io::HttpResponse> response = std::move(responses.front());
    responses.pop_front();
    co_return response;
  }

  void answer(int status, std::string content_type, std::vector<std::string> pieces,
              std::optional<Error> end = {}) {
    responses.push_back(std::make_unique<CannedResponse>(status, std::move(content_type),
                                                         std::move(pieces), std::move(end)));
  }

  std::vector<io::HttpRequest> requests;
  std::deque<std::unique_ptr<io::HttpResponse>> responses;
};

}  // namespace agw::upstream
