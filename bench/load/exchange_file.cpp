#include "bench/load/exchange_file.h"

#include <cstdio>
#include <stdexcept>
#include <utility>

namespace agent_load {

ExchangeFile::ExchangeFile(std::string path) : path_(std::move(path)), out_(path_) {
  if (!out_) throw std::runtime_error("--each " + path_ + ": cannot be made");
}

void ExchangeFile::write(const std::vector<Exchange>& exchanges) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  char line[64];
  for (const Exchange& exchange : exchanges) {
    const int size = std::snprintf(line, sizeof line, "%lld.%09lld %.1f\n",
                                   static_cast<long long>(exchange.began_ns / kSecond),
                                   static_cast<long long>(exchange.began_ns % kSecond),
                                   static_cast<double>(exchange.took_ns) / 1000);
    out_.write(line, size);
  }
  out_.flush();
  if (!out_) throw std::runtime_error("--each " + path_ + ": cannot be written");
}

}  // namespace agent_load
