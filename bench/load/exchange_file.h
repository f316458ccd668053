// Every measured exchange of a run, for those who want to know when the slow ones were.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "bench/load/moment.h"

namespace agent_load {

struct Exchange {
  std::int64_t began_ns;  // since 1970
  std::int64_t took_ns;
};

class ExchangeFile {
 public:
  // With more the run's memory would count in what it measures.
  static constexpr std::uint64_t kMaxExchanges = 1'000'000;

  // Throws std::runtime_error when the file cannot be made.
  explicit ExchangeFile(std::string path);

  // One line each: "<seconds since 1970> <microseconds>". Throws std::runtime_error when it cannot
  // be written.
  void write(const std::vector<Exchange>& exchanges);

 private:
  std::string path_;
  std::ofstream out_;
};

}  // namespace agent_load
