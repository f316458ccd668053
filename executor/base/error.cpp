#include "base/error.h"

#include <boost/throw_exception.hpp>
#include <stdexcept>

namespace agw {

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  boost::throw_exception(std::logic_error("unchecked error: " + error.message), where);
}

}  // namespace agw
