// How fast the body scanner is: the best of many runs over each input, as one JSON object.
//   scan_bench [NAME=FILE]...
// The files are bodies that somebody else made; further ones are made here (inputs.h). A run is
// what the edge does for a body that is in memory: a new scanner, one feed, finish.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "bench/scan/inputs.h"
#include "shared/body_scanner.h"

namespace scan_bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMadeSize = 400'000;
constexpr std::chrono::milliseconds kTimePerInput{200};
// Long enough for the clock's grain not to matter, short enough for some to pass undisturbed.
constexpr std::chrono::microseconds kSample{200};

double nanoseconds(Clock::duration time) {
  return std::chrono::duration<double, std::nano>(time).count();
}

agw::ScanStatus scan(const std::string& body) {
  agw::BodyScanner scanner;
  scanner.feed(body.data(), body.size());
  return scanner.finish();
}

// Nanoseconds of one scan, the best of all samples; negative when the body is refused.
double best(const std::string& body) {
  std::size_t runs = 0;
  const auto warm_up = Clock::now();
  do {
    if (scan(body) != agw::ScanStatus::Done) return -1;
    ++runs;
  } while (Clock::now() - warm_up < kSample);

  double least = std::numeric_limits<double>::max();
  for (const auto begin = Clock::now(); Clock::now() - begin < kTimePerInput;) {
    bool good = true;
    const auto from = Clock::now();
    for (std::size_t i = 0; i < runs; ++i) good &= scan(body) == agw::ScanStatus::Done;
    const double time = nanoseconds(Clock::now() - from) / static_cast<double>(runs);
    if (!good) return -1;
    least = std::min(least, time);
  }
  return least;
}

bool read(std::string_view argument, std::vector<Input>& inputs) {
  const std::size_t equals = argument.find('=');
  if (equals == 0 || equals == std::string_view::npos) {
    std::fprintf(stderr, "scan_bench: '%s' is not NAME=FILE\n", std::string(argument).c_str());
    return false;
  }
  const std::string path(argument.substr(equals + 1));
  std::ifstream file(path, std::ios::binary);
  std::string body{std::istreambuf_iterator<char>(file), {}};
  if (!file || body.empty()) {
    std::fprintf(stderr, "scan_bench: cannot read %s, or it is empty\n", path.c_str());
    return false;
  }
  inputs.push_back({std::string(argument.substr(0, equals)), std::move(body)});
  return true;
}

int run(int count, const char* const* words) {
  std::vector<Input> inputs;
  for (int i = 1; i < count; ++i) {
    if (!read(words[i], inputs)) return 2;
  }
  for (Input& made : madeInputs(kMadeSize)) inputs.push_back(std::move(made));

  std::string separator = "{\"inputs\":[\n";
  for (const Input& input : inputs) {
    const double time = best(input.body);
    if (time < 0) {
      std::fprintf(stderr, "scan_bench: the scanner refuses %s\n", input.name.c_str());
      return 1;
    }
    std::printf("%s {\"name\":\"%s\",\"bytes\":%zu,\"gb_per_s\":%.3f,\"ns\":%.1f}",
                separator.c_str(), input.name.c_str(), input.body.size(),
                static_cast<double>(input.body.size()) / time, time);
    separator = ",\n";
  }
  std::printf("\n]}\n");
  return 0;
}

}  // namespace
}  // namespace scan_bench

int main(int count, char** words) { return scan_bench::run(count, words); }
