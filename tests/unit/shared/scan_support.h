// Running the body scanner over a text, in one piece or in any other cut.
#pragma once

#include <ostream>
#include <string>
#include <string_view>

#include "shared/body_scanner.h"

namespace agw {

// Everything a caller can see of a scan.
struct ScanOutcome {
  ScanStatus status = ScanStatus::InProgress;
  std::string message;
  std::string model;
  std::string user;
  bool stream = false;
  bool has_max_tokens = false;
  std::uint64_t max_tokens = 0;

  bool operator==(const ScanOutcome&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const ScanOutcome& outcome) {
  return out << "status " << static_cast<int>(outcome.status) << " model \"" << outcome.model
             << "\" user \"" << outcome.user << "\" stream " << outcome.stream << " max "
             << outcome.max_tokens << " (" << outcome.message << ")";
}

inline ScanOutcome outcomeOf(BodyScanner& scanner) {
  ScanOutcome outcome;
  outcome.status = scanner.finish();
  if (outcome.status != ScanStatus::Done) {
    outcome.message = scanner.error().message;
    return outcome;
  }
  outcome.model = scanner.model();
  outcome.user = scanner.user();
  outcome.stream = scanner.stream();
  outcome.has_max_tokens = scanner.hasMaxTokens();
  outcome.max_tokens = scanner.maxTokens();
  return outcome;
}

inline ScanOutcome scan(std::string_view body) {
  BodyScanner scanner;
  scanner.feed(body.data(), body.size());
  return outcomeOf(scanner);
}

// Two pieces, each in an allocation of its own size so that AddressSanitizer sees a read past the
// cut.
inline ScanOutcome scanCut(std::string_view body, std::size_t cut) {
  BodyScanner scanner;
  const std::string first(body.substr(0, cut));
  const std::string second(body.substr(cut));
  scanner.feed(first.data(), first.size());
  scanner.feed(second.data(), second.size());
  return outcomeOf(scanner);
}

inline ScanOutcome scanByteByByte(std::string_view body) {
  BodyScanner scanner;
  for (const char c : body) scanner.feed(&c, 1);
  return outcomeOf(scanner);
}

}  // namespace agw
