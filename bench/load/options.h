// The command line.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "bench/load/url.h"

namespace agent_load {

enum class Mode { Requests, Streams, Hold, Abort };
enum class AbortPhase { Sent, Event };

struct Options {
  Mode mode = Mode::Requests;
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  // the file's content, with {{id}} in it
  std::string id_prefix = "load";
  std::optional<std::string> ca_file;          // absent: the system's certificates (SSL_CERT_FILE)
  unsigned expect_status = 200;                // an answer with another status is an error
  std::chrono::milliseconds timeout{120'000};  // for the whole run
  std::chrono::milliseconds connect_timeout{10'000};  // TCP and TLS handshake together
  std::chrono::milliseconds read_timeout{30'000};     // the longest silence within an answer

  std::uint64_t connections = 1;
  std::uint64_t requests = 0;            // requests, streams: measured ones
  std::uint64_t warmup = 0;              // requests, streams: before them, not measured
  double rate = 0;                       // requests: per second; 0: closed loop
  std::optional<std::string> each_file;  // requests: see exchange_file.h
  std::chrono::milliseconds stagger{0};  // streams: the first starts are spread over it
  double open_rate = 2000;               // hold: connections per second
  unsigned source_addresses = 0;         // hold: from 127.0.0.1 on; 0: the kernel's choice
  std::uint64_t count = 0;               // abort: connections in total
  AbortPhase phase = AbortPhase::Sent;   // abort
  std::chrono::milliseconds after{0};    // abort
};

// What to print instead of a run, for --help.
struct HelpText {
  std::string text;
};

// Reads the files that the command line names. Throws UsageError.
std::variant<Options, HelpText> parseOptions(int count, const char* const* words);

}  // namespace agent_load
