#include "bench/load/report.h"

#include <cmath>
#include <iostream>
#include <stdexcept>

namespace agent_load {

double roundedTo(double number, int decimals) {
  const double scale = std::pow(10, decimals);
  return std::round(number * scale) / scale;
}

Json toJson(const Samples& samples) {
  const Summary summary = samples.summary();
  Json json = {{"count", summary.count}};
  json["mean"] = roundedTo(summary.mean, 1);
  json["p50"] = roundedTo(summary.p50, 1);
  json["p90"] = roundedTo(summary.p90, 1);
  json["p95"] = roundedTo(summary.p95, 1);
  json["p99"] = roundedTo(summary.p99, 1);
  json["max"] = roundedTo(summary.max, 1);
  if (summary.not_kept > 0) json["not_kept"] = summary.not_kept;
  return json;
}

Json statusesOf(const Tally& tally) {
  Json json = Json::object();
  for (const auto& [status, times] : tally.statuses()) json[std::to_string(status)] = times;
  return json;
}

Json errorsOf(const Tally& tally) {
  Json json = Json::object();
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    if (tally.errors(kind) > 0) json[nameOf(kind)] = tally.errors(kind);
  }
  return json;
}

void print(const Json& report) {
  std::cout << report.dump(-1, ' ', false, Json::error_handler_t::replace) << std::endl;
  if (!std::cout) throw std::runtime_error("stdout cannot be written");
}

void explainErrors(const Tally& tally) {
  for (std::size_t i = 0; i < kErrorKinds; ++i) {
    const auto kind = static_cast<ErrorKind>(i);
    if (tally.errors(kind) == 0) continue;
    std::cerr << "agent_load: " << tally.errors(kind) << " x " << nameOf(kind) << ": "
              << tally.example(kind) << '\n';
  }
}

}  // namespace agent_load
