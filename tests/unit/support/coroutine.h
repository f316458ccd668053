// Runs one coroutine to its end on an io_context of its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace agw::test {

template <class T>
T runCoroutine(boost::asio::io_context& context, boost::asio::awaitable<T> coroutine) {
  std::optional<T> result;
  std::exception_ptr failure;
  boost::asio::co_spawn(context, std::move(coroutine), [&](std::exception_ptr error, T value) {
    failure = error;
    result.emplace(std::move(value));
  });
  context.restart();
  context.run();
  if (failure) std::rethrow_exception(failure);
  if (!result) throw std::logic_error("the coroutine did not end");
  return std::move(*result);
}

inline void runCoroutine(boost::asio::io_context& context, boost::asio::awaitable<void> coroutine) {
  bool ended = false;
  std::exception_ptr failure;
  boost::asio::co_spawn(context, std::move(coroutine), [&](std::exception_ptr error) {
    failure = error;
    ended = true;
  });
  context.restart();
  context.run();
  if (failure) std::rethrow_exception(failure);
  if (!ended) throw std::logic_error("the coroutine did not end");
}

}  // namespace agw::test
