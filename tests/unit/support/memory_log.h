// A log that keeps its lines.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "telemetry/log.h"

namespace agw::test {

class MemoryLog final : public telemetry::Log {
 public:
  void write(telemetry::Level level, std::string_view event,
             std::initializer_list<telemetry::Field> fields) override {
    const std::scoped_lock lock(mutex_);
    lines_.push_back(telemetry::formatLogLine("T", level, event, fields));
  }
  void flush() override {}

  std::vector<std::string> lines() const {
    const std::scoped_lock lock(mutex_);
    return lines_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace agw::test
