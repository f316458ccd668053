// Expected outcomes are values: Result<T> is a T or an Error.
#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "shared/openai_error.h"

namespace agw {

// Who is to blame; decides the log level and whether a failover may try again.
enum class ErrorSource { Client, Upstream, Tool, Gateway };

struct Error {
  ErrorCode code = ErrorCode::InternalError;
  ErrorSource source = ErrorSource::Gateway;
  std::string message;  // safe to show to the client
  std::string detail;   // for the log only
  std::string param;    // the request field at fault, e.g. "messages[1].content"; may be empty
  bool retryable = false;
  int status = 0;  // 0: the status of the code's table entry
  std::optional<std::chrono::milliseconds> retry_after;

  int httpStatus() const { return status != 0 ? status : errorEntry(code).status; }
};

// Lets result<T, Error>::value() throw something sensible; business code tests before it reads.
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

template <class T>
using Result = boost::system::result<T, Error>;

inline Error clientError(ErrorCode code, std::string message, std::string param = {}) {
  return Error{code, ErrorSource::Client, std::move(message), {}, std::move(param), false, 0, {}};
}
inline Error upstreamError(ErrorCode code, std::string message, std::string detail = {}) {
  return Error{code, ErrorSource::Upstream, std::move(message), std::move(detail), {}, false, 0,
               {}};
}
inline Error toolError(std::string message, std::string detail = {}) {
  return Error{ErrorCode::ToolFailed,
               ErrorSource::Tool,
               std::move(message),
               std::move(detail),
               {},
               false,
               0,
               {}};
}
inline Error gatewayError(ErrorCode code, std::string message, std::string detail = {}) {
  return Error{code, ErrorSource::Gateway, std::move(message), std::move(detail), {}, false, 0, {}};
}

}  // namespace agw
