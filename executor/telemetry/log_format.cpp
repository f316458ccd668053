#include <fmt/format.h>

#include <cmath>
#include <ctime>
#include <iterator>

#include "base/json_reader.h"
#include "telemetry/log.h"
#include "telemetry/log_sink.h"

namespace agw::telemetry {
namespace {

constexpr std::size_t kMaxText =
    4096;  // longer text is cut with a mark: the queue's memory is bounded

std::string_view levelName(Level level) {
  switch (level) {
    case Level::Debug:
      return "debug";
    case Level::Info:
      return "info";
    case Level::Warn:
      return "warn";
    case Level::Error:
      break;
  }
  return "error";
}

void appendText(std::string& out, std::string_view text) {
  if (text.size() <= kMaxText) {
    appendJsonString(out, text);
    return;
  }
  std::size_t end = kMaxText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  appendJsonString(out, fmt::format("{}…({} bytes)", text.substr(0, end), text.size()));
}

struct AppendValue {
  std::string& out;

  void operator()(std::string_view text) const { appendText(out, text); }
  void operator()(std::int64_t number) const {
    fmt::format_to(std::back_inserter(out), "{}", number);
  }
  void operator()(bool truth) const { out += truth ? "true" : "false"; }
  void operator()(double number) const {
    if (std::isfinite(number)) {
      fmt::format_to(std::back_inserter(out), "{}", number);
    } else {
      out += "null";  // JSON has no infinity
    }
  }
};

}  // namespace

std::string formatTimestamp(std::chrono::system_clock::time_point when) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(when.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const std::time_t time = static_cast<std::time_t>(seconds.count());
  std::tm utc{};
  gmtime_r(&time, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     (since_epoch - seconds).count());
}

std::string formatLogLine(std::string_view timestamp, Level level, std::string_view event,
                          std::initializer_list<Field> fields) {
  std::string line;
  line.reserve(256);
  line += R"({"ts":)";
  appendJsonString(line, timestamp);
  line += R"(,"level":")";
  line += levelName(level);
  line += R"(","event":)";
  appendJsonString(line, event);
  for (const Field& field : fields) {
    line += ',';
    appendJsonString(line, field.name);
    line += ':';
    std::visit(AppendValue{line}, field.value);
  }
  line += '}';
  return line;
}

}  // namespace agw::telemetry
