// Completion token of this folder: operations give (error_code, ...) tuples instead of throwing.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace agw::io {

namespace net = boost::asio;

inline constexpr auto kAsTuple = net::as_tuple(net::use_awaitable);

}  // namespace agw::io
