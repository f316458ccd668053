#include "background.h"

#include <boost/asio/post.hpp>
#include <utility>

namespace agw {

namespace net = boost::asio;

Background::Background() : work_(net::make_work_guard(context_)) {}

Background::~Background() {
  if (thread_.joinable()) stop([] {});
}

void Background::start() {
  thread_ = std::thread([this] { context_.run(); });
}

void Background::stop(std::function<void()> end) {
  net::post(context_, [this, end = std::move(end)] {
    end();
    work_.reset();
  });
  thread_.join();
}

}  // namespace agw
