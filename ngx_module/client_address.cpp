#include "ngx_module/client_address.h"

#include <string_view>

#include "ngx_module/str.h"

namespace agw {
namespace {

// No limit of a location has this place: those are odd, or 0.
constexpr std::uint64_t kAddressPlace = 2;

std::string_view bytesOf(const sockaddr* address) noexcept {
  if (address->sa_family == AF_INET) {
    const auto& in = *reinterpret_cast<const sockaddr_in*>(address);
    return {reinterpret_cast<const char*>(&in.sin_addr), sizeof in.sin_addr};
  }
  if (address->sa_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    const auto* bytes = reinterpret_cast<const char*>(&in);
    return IN6_IS_ADDR_V4MAPPED(&in) ? std::string_view(bytes + 12, 4) : std::string_view(bytes, 8);
  }
  return "unix";
}

}  // namespace

LimitIdentity clientAddress(const ngx_http_request_t* r, const LimitSecret& secret) noexcept {
  return limitIdentity(secret, LimitPer::Key, kAddressPlace, bytesOf(r->connection->sockaddr), {});
}

}  // namespace agw
