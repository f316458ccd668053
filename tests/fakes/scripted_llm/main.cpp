// A scripted, OpenAI-compatible LLM server for tests, benchmarks and demonstrations. See
// ../README.md.
#include <sys/resource.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "server.h"

namespace {

using namespace scripted_llm;

constexpr std::string_view kUsage =
    "usage: scripted_llm --script FILE [--listen ADDRESS:PORT] [--port-file FILE] [--threads N]\n"
    "                    [--expect-key KEY] [--max-logged-body BYTES] [--idle-timeout-ms N]\n"
    "                    [--write-timeout-ms N]\n";

struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Options {
  ServerOptions server;
  std::filesystem::path script;
  std::filesystem::path port_file;
  std::string expected_key;
  std::size_t max_logged_body = 0;
};

std::uint64_t parseNumber(const std::string& name, std::string_view text, std::uint64_t max) {
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(text.begin(), text.end(), number);
  if (error != std::errc() || stop != text.end() || number > max) {
    throw UsageError(name + ": must be a number from 0 to " + std::to_string(max));
  }
  return number;
}

void parseListen(const std::string& value, ServerOptions& server) {
  const auto colon = value.rfind(':');
  if (colon == std::string::npos) throw UsageError("--listen: must be ADDRESS:PORT");
  server.address = value.substr(0, colon);
  server.port = static_cast<unsigned short>(
      parseNumber("--listen", std::string_view(value).substr(colon + 1), 65535));
}

Options parseOptions(int count, char** words) {
  Options options;
  for (int i = 1; i < count; i += 2) {
    const std::string name = words[i];
    if (i + 1 >= count) throw UsageError(name + ": needs a value");
    const std::string value = words[i + 1];
    if (name == "--listen") {
      parseListen(value, options.server);
    } else if (name == "--script") {
      options.script = value;
    } else if (name == "--port-file") {
      options.port_file = value;
    } else if (name == "--threads") {
      options.server.threads = static_cast<unsigned>(parseNumber(name, value, 64));
      if (options.server.threads == 0) throw UsageError("--threads: must be at least 1");
    } else if (name == "--expect-key") {
      options.expected_key = value;
    } else if (name == "--max-logged-body") {
      options.max_logged_body = parseNumber(name, value, 1u << 30);
    } else if (name == "--idle-timeout-ms") {
      options.server.limits.read_timeout =
          std::chrono::milliseconds(parseNumber(name, value, 86400000));
    } else if (name == "--write-timeout-ms") {
      options.server.limits.write_timeout =
          std::chrono::milliseconds(parseNumber(name, value, 86400000));
    } else {
      throw UsageError("unknown option " + name);
    }
  }
  if (options.script.empty()) throw UsageError("--script is missing");
  return options;
}

std::string readFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) throw UsageError("cannot read " + path.string());
  return text;
}

// Whoever waits for the file finds it whole or not at all.
void writePortFile(const std::filesystem::path& path, unsigned short port) {
  auto partial = path;
  partial += ".part";
  std::ofstream file(partial);
  file << port << '\n';
  file.close();
  if (!file) throw UsageError("cannot write " + partial.string());
  std::filesystem::rename(partial, path);
}

void raiseOpenFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    std::cerr << "scripted_llm: cannot raise the limit of open files" << std::endl;
  }
}

int serve(const Options& options) {
  raiseOpenFileLimit();
  const auto folder = std::filesystem::absolute(options.script).parent_path();
  auto script = Script::parse(readFile(options.script), folder);
  Service service(std::move(script), folder, options.expected_key, options.max_logged_body);
  Server server(options.server, service);
  std::cout << "http://" << options.server.address << ":" << server.port() << std::endl;
  if (!options.port_file.empty()) writePortFile(options.port_file, server.port());
  server.run();
  return 0;
}

}  // namespace

int main(int count, char** words) {
  try {
    return serve(parseOptions(count, words));
  } catch (const UsageError& error) {
    std::cerr << "scripted_llm: " << error.what() << "\n" << kUsage;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "scripted_llm: " << error.what() << std::endl;
    return 1;
  }
}
