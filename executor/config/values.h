// Reading single values of the configuration. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/deadline.h"

namespace agw::config {

// "30s", "500ms", "10m", "1h", or a plain number of seconds; fractions are allowed ("1.5s").
std::optional<Millis> parseDuration(std::string_view text);
// "1h", "2m", "90s", "1500ms": the largest unit that is exact.
std::string formatDuration(Millis span);

// Decimal digits only.
std::optional<std::uint64_t> parseWholeNumber(std::string_view text);
// Bytes; "k" and "m" are KiB and MiB.
std::optional<std::uint64_t> parseSize(std::string_view text);

// "" when `address` is "unix:/path", "IP:port" or "[IPv6]:port", else what to write instead.
std::string checkListenAddress(std::string_view address);

// What stands for yes, and for no.
inline constexpr std::array<std::string_view, 2> kTruth = {"true", "false"};

bool isToolName(std::string_view name);        // [A-Za-z0-9_-]{1,64}
bool isServerName(std::string_view name);      // [A-Za-z0-9._-]{1,64}
bool isNameSpace(std::string_view name);       // what may stand before the '/' of a model id
bool isModuleCallable(std::string_view text);  // pkg.mod:callable
bool isModule(std::string_view text);          // pkg.mod
bool isVariableName(std::string_view name);    // [A-Za-z_][A-Za-z0-9_]*
bool isHeaderName(std::string_view name);      // RFC 9110 token
bool isHeaderValue(std::string_view value);    // no control character but tab
bool hasControl(std::string_view text);        // any byte below 0x20, or 0x7F

}  // namespace agw::config
