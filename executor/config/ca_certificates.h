// CA certificates in PEM form.
#pragma once

#include <string>

namespace agw::config {

inline constexpr std::size_t kMaxCaFile = 4 * 1024 * 1024;

// "" when `pem` holds at least one certificate and every one in it can be read, else what is wrong
// with it; never any of its content.
std::string checkCaCertificates(const std::string& pem);

}  // namespace agw::config
