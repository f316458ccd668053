// Running the body scanner over a text, in one piece or in any other cut.
#pragma once

#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "shared/body_scanner.h"
#include "shared/string_ways.h"

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

// In an allocation of its own size, so that AddressSanitizer sees a read past the end.
inline void feedCopy(BodyScanner& scanner, std::string_view piece) {
  const auto copy = std::make_unique<char[]>(piece.size());
  piece.copy(copy.get(), piece.size());
  scanner.feed(copy.get(), piece.size());
}

inline ScanOutcome scan(std::string_view body, SkipText skip_text = bestSkipText()) {
  BodyScanner scanner(skip_text);
  feedCopy(scanner, body);
  return outcomeOf(scanner);
}

// Pieces that end at `cuts`, which rise.
inline ScanOutcome scanCuts(std::string_view body, std::initializer_list<std::size_t> cuts,
                            SkipText skip_text = bestSkipText()) {
  BodyScanner scanner(skip_text);
  std::size_t begin = 0;
  for (const std::size_t cut : cuts) {
    feedCopy(scanner, body.substr(begin, cut - begin));
    begin = cut;
  }
  feedCopy(scanner, body.substr(begin));
  return outcomeOf(scanner);
}

inline ScanOutcome scanCut(std::string_view body, std::size_t cut,
                           SkipText skip_text = bestSkipText()) {
  return scanCuts(body, {cut}, skip_text);
}

// The exact way, which no other may contradict: no block, no token is ever whole.
inline ScanOutcome scanByteByByte(std::string_view body) {
  BodyScanner scanner;
  for (const char c : body) scanner.feed(&c, 1);
  return outcomeOf(scanner);
}

}  // namespace agw
