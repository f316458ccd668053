#include "bench/load/options.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <iterator>
#include <string_view>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "bench/load/exchange_file.h"

namespace agent_load {
namespace {

constexpr std::uint64_t kMaxConnections = 60'000;
constexpr std::uint64_t kMaxRequests = 50'000'000;
constexpr std::uint64_t kMaxAborts = 1'000'000;
constexpr std::size_t kMaxBody = 64u * 1024 * 1024;
constexpr double kMaxSeconds = 86'400;
constexpr double kMaxRate = 1'000'000;

// What the words say, before it is checked as a whole.
struct Raw {
  std::string url;
  std::vector<std::string> headers;
  std::string body_file;
  std::string ca_file;
  std::string phase;
  std::string each_file;
  double timeout_s = 120;
  double connect_timeout_s = 10;
  double read_timeout_s = 30;
  std::uint64_t stagger_ms = 0;
  std::uint64_t after_ms = 0;
};

// "nan" is a number to CLI11 and within every range.
void checkNumber(const char* name, double number) {
  if (std::isnan(number)) throw UsageError(std::string(name) + ": must be a number");
}

std::chrono::milliseconds fromSeconds(const char* name, double seconds) {
  checkNumber(name, seconds);
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

bool isTokenCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string lowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// The value is not quoted in messages: it may be a key.
std::pair<std::string, std::string> parseHeader(const std::string& text) {
  const auto colon = text.find(':');
  const std::string name = text.substr(0, colon);
  if (colon == std::string::npos || name.empty() ||
      !std::all_of(name.begin(), name.end(), isTokenCharacter)) {
    throw UsageError("--header: must be 'Name: value'");
  }
  const auto begin = text.find_first_not_of(" \t", colon + 1);
  std::string value = begin == std::string::npos ? "" : text.substr(begin);
  if (std::any_of(value.begin(), value.end(),
                  [](unsigned char c) { return c < ' ' && c != '\t'; })) {
    throw UsageError("--header " + name + ": the value holds a control character");
  }
  const std::string lower = lowerCase(name);
  if (lower == "content-length" || lower == "transfer-encoding" || lower == "connection") {
    throw UsageError("--header " + name + ": is set by agent_load itself");
  }
  return {name, std::move(value)};
}

std::string readBody(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string body((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in) throw UsageError("--body-file " + file + ": cannot be read");
  if (body.size() > kMaxBody) throw UsageError("--body-file " + file + ": is larger than 64 MiB");
  return body;
}

void addCommon(CLI::App& mode, Options& options, Raw& raw) {
  mode.add_option("--url", raw.url, "http:// or https:// with host, port and path")->required();
  mode.add_option("--header", raw.headers, "'Name: value'; may be repeated")
      ->expected(1)
      ->take_all();
  mode.add_option("--body-file", raw.body_file, "body of each request; {{id}} in it is unique")
      ->required();
  mode.add_option("--id-prefix", options.id_prefix, "ids are <prefix>-<number>")
      ->capture_default_str();
  mode.add_option("--ca", raw.ca_file, "PEM file to verify an https server with");
  mode.add_option("--expect-status", options.expect_status, "another status is an error")
      ->check(CLI::Range(100, 599))
      ->capture_default_str();
  mode.add_option("--timeout", raw.timeout_s, "seconds for the whole run")
      ->check(CLI::Range(0.1, kMaxSeconds))
      ->capture_default_str();
  mode.add_option("--connect-timeout", raw.connect_timeout_s, "seconds for TCP and TLS handshake")
      ->check(CLI::Range(0.1, kMaxSeconds))
      ->capture_default_str();
  mode.add_option("--read-timeout", raw.read_timeout_s, "longest silence of an answer in seconds")
      ->check(CLI::Range(0.1, kMaxSeconds))
      ->capture_default_str();
}

CLI::Option* addCount(CLI::App& mode, const char* name, std::uint64_t& number, std::uint64_t min,
                      std::uint64_t max, const char* text) {
  return mode.add_option(name, number, text)->check(CLI::Range(min, max));
}

void addLoop(CLI::App& mode, Options& options) {
  addCount(mode, "--connections", options.connections, 1, kMaxConnections, "how many at a time")
      ->required();
  addCount(mode, "--requests", options.requests, 1, kMaxRequests, "measured ones in total")
      ->required();
  addCount(mode, "--warmup", options.warmup, 0, kMaxRequests, "requests before them, not measured");
}

void addModes(CLI::App& app, Options& options, Raw& raw) {
  CLI::App& requests = *app.add_subcommand("requests", "plain answers, each connection in a loop");
  addCommon(requests, options, raw);
  addLoop(requests, options);
  requests.add_option("--rate", options.rate, "requests per second instead of a closed loop")
      ->check(CLI::Range(0.01, kMaxRate));
  requests.add_option("--each", raw.each_file, "file for begin and latency of each measured one");

  CLI::App& streams = *app.add_subcommand("streams", "answers that are event streams, in a loop");
  addCommon(streams, options, raw);
  addLoop(streams, options);
  addCount(streams, "--stagger-ms", raw.stagger_ms, 0, 600'000, "spread the first starts over it");

  CLI::App& hold = *app.add_subcommand("hold", "opens streams and keeps them until stdin says so");
  addCommon(hold, options, raw);
  addCount(hold, "--connections", options.connections, 1, kMaxConnections, "how many")->required();
  hold.add_option("--open-rate", options.open_rate, "connections opened per second")
      ->check(CLI::Range(1.0, kMaxRate))
      ->capture_default_str();
  hold.add_option("--source-addresses", options.source_addresses, "127.0.0.1 to 127.0.0.K")
      ->check(CLI::Range(1, 254));

  CLI::App& abort = *app.add_subcommand("abort", "breaks off requests from the client's side");
  addCommon(abort, options, raw);
  addCount(abort, "--count", options.count, 1, kMaxAborts, "connections in total")->required();
  addCount(abort, "--connections", options.connections, 1, kMaxConnections, "how many at a time")
      ->required();
  abort.add_option("--phase", raw.phase, "counted from: the request sent, or the first event")
      ->required()
      ->check(CLI::IsMember({"sent", "event"}));
  addCount(abort, "--after-ms", raw.after_ms, 0, 600'000, "how long after that")->required();
  app.require_subcommand(1);
}

Mode modeNamed(const std::string& name) {
  if (name == "requests") return Mode::Requests;
  if (name == "streams") return Mode::Streams;
  if (name == "hold") return Mode::Hold;
  return Mode::Abort;
}

void complete(Options& options, const Raw& raw) {
  options.url = parseUrl(raw.url);
  for (const std::string& header : raw.headers) options.headers.push_back(parseHeader(header));
  options.body = readBody(raw.body_file);
  if (!raw.ca_file.empty()) {
    if (!options.url.tls) throw UsageError("--ca: the URL is not https");
    options.ca_file = raw.ca_file;
  }
  if (!raw.each_file.empty()) {
    if (options.requests > ExchangeFile::kMaxExchanges) {
      throw UsageError("--each: takes no more than " + std::to_string(ExchangeFile::kMaxExchanges) +
                       " --requests");
    }
    options.each_file = raw.each_file;
  }
  options.phase = raw.phase == "event" ? AbortPhase::Event : AbortPhase::Sent;
  options.timeout = fromSeconds("--timeout", raw.timeout_s);
  options.connect_timeout = fromSeconds("--connect-timeout", raw.connect_timeout_s);
  options.read_timeout = fromSeconds("--read-timeout", raw.read_timeout_s);
  checkNumber("--rate", options.rate);
  checkNumber("--open-rate", options.open_rate);
  options.stagger = std::chrono::milliseconds(raw.stagger_ms);
  options.after = std::chrono::milliseconds(raw.after_ms);
}

}  // namespace

std::variant<Options, HelpText> parseOptions(int count, const char* const* words) {
  Options options;
  Raw raw;
  CLI::App app("Drives HTTP requests and event streams and prints what it measured as JSON.",
               "agent_load");
  addModes(app, options, raw);
  try {
    app.parse(count, words);
  } catch (const CLI::CallForHelp&) {
    const auto modes = app.get_subcommands();
    return HelpText{modes.empty() ? app.help() : modes.front()->help()};
  } catch (const CLI::ParseError& error) {
    throw UsageError(error.what());
  }
  options.mode = modeNamed(app.get_subcommands().front()->get_name());
  complete(options, raw);
  return options;
}

}  // namespace agent_load
