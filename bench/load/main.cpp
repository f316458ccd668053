// The load generator of the benches. See README.md.
#include <csignal>
#include <exception>
#include <iostream>
#include <variant>

#include "bench/load/modes.h"
#include "bench/load/options.h"

namespace {

using namespace agent_load;

int run(const Options& options) {
  Network network(options);
  switch (options.mode) {
    case Mode::Requests:
      return runRequests(network);
    case Mode::Streams:
      return runStreams(network);
    case Mode::Hold:
      return runHold(network);
    case Mode::Abort:
      return runAbort(network);
  }
  return 1;
}

}  // namespace

int main(int count, char** words) {
  // TLS writes to a socket that the peer has closed; so may stdout be.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    const auto parsed = parseOptions(count, words);
    if (const auto* help = std::get_if<HelpText>(&parsed)) {
      std::cout << help->text;
      return 0;
    }
    return run(std::get<Options>(parsed));
  } catch (const UsageError& error) {
    std::cerr << "agent_load: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "agent_load: " << error.what() << '\n';
    return 1;
  }
}
