// Structured log: one JSON object a line on one stream (stderr or a file), written by a background
// thread whose queue drops the oldest line rather than blocking. Thread-safe.
//
// A line: {"ts":"2026-01-31T12:00:00.123Z","level":"info","event":"request","request_id":…,
// …fields}
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

namespace agw::telemetry {

enum class Level { Debug, Info, Warn, Error };

struct Field {
  std::string_view name;
  std::variant<std::string_view, std::int64_t, double, bool> value;

  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const std::string& v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, const char* v) : name(n), value(std::string_view(v)) {}
  Field(std::string_view n, bool v) : name(n), value(v) {}
  Field(std::string_view n, double v) : name(n), value(v) {}
  template <class T>
  requires std::is_integral_v<T> Field(std::string_view n, T v)
      : name(n), value(static_cast<std::int64_t>(v)) {}
};

class Log {
 public:
  virtual ~Log() = default;
  // `event` is a fixed snake_case word; fields are what varies. Never pass a secret.
  virtual void write(Level level, std::string_view event, std::initializer_list<Field> fields) = 0;
  virtual void flush() = 0;
};

// "" = stderr. Throws std::runtime_error when the file cannot be opened (start-up failure).
std::unique_ptr<Log> makeLog(const std::string& path, Level least);

// Formats one line, without the line feed; what makeLog's logger writes. For tests.
std::string formatLogLine(std::string_view timestamp, Level level, std::string_view event,
                          std::initializer_list<Field> fields);

}  // namespace agw::telemetry
