// Runs the executor's MCP client against a server that offers get_weather, add, fail and slow.
//   integration_mcp_client URL [STEP...]
// Steps: list, calls, concurrent, timeout, cancel, restart; all but restart by default. `restart`
// calls once, prints "ready", waits for a line on stdin (the server is restarted meanwhile) and
// calls again. Prints a line a step; exits 0 when all went as they should, 1 otherwise, 2 on bad
// usage.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "io/http_client.h"
#include "mcp/session.h"
#include "telemetry/log.h"

namespace {

using namespace agw;  // a test program of one file
namespace net = boost::asio;

constexpr Millis kCallLimit{15000};

void expect(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

template <class T>
const T& need(const Result<T>& result, const std::string& what) {
  if (!result) {
    throw std::runtime_error(what + ": " + result.error().message + " (" + result.error().detail +
                             ")");
  }
  return *result;
}

net::awaitable<Result<mcp::CallOutcome>> call(mcp::Session& session, std::string name,
                                              std::string arguments, Millis limit = kCallLimit) {
  mcp::CallOptions options;
  options.deadline = Deadline::in(limit);
  options.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  return session.callTool(std::move(name), std::move(arguments), std::move(options));
}

net::awaitable<void> list(mcp::Session& session) {
  const auto tools = co_await session.listTools(Deadline::in(kCallLimit));
  std::string names;
  for (const mcp::RemoteTool& tool : *need(tools, "tools/list")) {
    names += tool.name + " ";
    expect(tool.input_schema_json.find("\"type\"") != std::string::npos,
           tool.name + " has no schema");
  }
  expect(names == "get_weather add fail slow ", "tools/list gave: " + names);
}

net::awaitable<void> calls(mcp::Session& session) {
  const auto sum = co_await call(session, "add", R"({"a":2,"b":3})");
  expect(need(sum, "add").text == "5", "add(2,3) gave: " + sum->text);
  const auto weather = co_await call(session, "get_weather", R"({"city":"Köln"})");
  expect(need(weather, "get_weather").text == "Sunny, 21 °C in Köln",
         "get_weather gave: " + weather->text);
  expect(!weather->is_error, "get_weather says that it failed");
  const auto failed = co_await call(session, "fail", "");
  expect(need(failed, "fail").is_error, "fail does not say that it failed");
  expect(failed->text.find("failed on purpose") != std::string::npos, "fail gave: " + failed->text);
  const auto unknown = co_await call(session, "no_such_tool", "{}");
  expect(!unknown || unknown->is_error, "an unknown tool has succeeded");
}

net::awaitable<void> concurrent(mcp::Session& session) {
  int good = 0;
  const std::function<net::awaitable<void>(std::size_t)> one =
      [&](std::size_t i) -> net::awaitable<void> {
    const std::string number = std::to_string(i);
    std::string arguments = R"({"a":1000,"b":)" + number + "}";
    const auto sum = co_await call(session, "add", std::move(arguments));
    if (need(sum, "add").text == std::to_string(1000 + i)) ++good;
  };
  co_await forEachParallel(20, 20, one);
  expect(good == 20, "of 20 concurrent calls " + std::to_string(good) + " gave the right answer");
}

net::awaitable<void> timeOut(mcp::Session& session) {
  const auto start = Clock::now();
  const auto outcome = co_await call(session, "slow", R"({"seconds":30})", Millis(400));
  expect(!outcome && outcome.error().code == ErrorCode::UpstreamTimeout,
         "slow did not run into its deadline");
  expect(Clock::now() - start < Millis(5000), "the deadline was kept too late");
}

net::awaitable<void> cancel(mcp::Session& session) {
  const auto executor = co_await net::this_coro::executor;
  net::cancellation_signal signal;
  bool ended = false;
  auto finished = [&ended](std::exception_ptr, Result<mcp::CallOutcome>) { ended = true; };
  net::co_spawn(executor, call(session, "slow", R"({"seconds":30})"),
                net::bind_cancellation_slot(signal.slot(), std::move(finished)));
  net::steady_timer timer(executor, Millis(400));
  co_await timer.async_wait(net::use_awaitable);
  expect(!ended, "slow ended by itself");
  signal.emit(net::cancellation_type::terminal);
  const auto start = Clock::now();
  while (!ended && Clock::now() - start < Millis(2000)) {
    timer.expires_after(Millis(5));
    co_await timer.async_wait(net::use_awaitable);
  }
  expect(ended, "the cancelled call did not end");
}

net::awaitable<void> restart(mcp::Session& session) {
  const auto before = co_await call(session, "add", R"({"a":1,"b":1})");
  need(before, "add before the restart");
  std::cout << "ready" << std::endl;
  std::string line;
  std::getline(std::cin, line);
  const auto after = co_await call(session, "add", R"({"a":1,"b":2})");
  expect(need(after, "add after the restart").text == "3", "add gave: " + after->text);
}

using Step = net::awaitable<void> (*)(mcp::Session&);

Step stepOf(const std::string& name) {
  if (name == "list") return list;
  if (name == "calls") return calls;
  if (name == "concurrent") return concurrent;
  if (name == "timeout") return timeOut;
  if (name == "cancel") return cancel;
  if (name == "restart") return restart;
  return nullptr;
}

net::awaitable<void> runSteps(mcp::Session& session, std::vector<std::string> names,
                              std::string& current) {
  for (const std::string& name : names) {
    current = name;
    co_await stepOf(name)(session);
    std::cout << "ok: " << name << std::endl;
  }
  current = "close";
  co_await session.close();
  std::cout << "ok: close" << std::endl;
}

int usage() {
  std::cerr
      << "usage: integration_mcp_client URL [list|calls|concurrent|timeout|cancel|restart]...\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return usage();
  std::vector<std::string> names(argv + 2, argv + argc);
  if (names.empty()) names = {"list", "calls", "concurrent", "timeout", "cancel"};
  for (const std::string& name : names) {
    if (stepOf(name) == nullptr) return usage();
  }
  const auto url = parseUrl(argv[1]);
  if (!url) return usage();

  const auto log = telemetry::makeLog("", telemetry::Level::Debug);
  net::io_context context;
  const auto client = io::makeHttpClient(context, io::HttpClientOptions());
  config::McpServerSettings settings;
  settings.name = "double";
  settings.url = *url;
  const auto session = mcp::makeHttpSession(context, *client, settings, *log);

  std::string current;
  std::string failure;
  net::co_spawn(context, runSteps(*session, names, current), [&](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::exception& thrown) {
      failure = thrown.what();
    }
    context.stop();  // the client's idle connections would keep it running
  });
  context.run();
  log->flush();
  if (failure.empty()) return EXIT_SUCCESS;
  std::cout << "FAILED: " << current << ": " << failure << std::endl;
  return EXIT_FAILURE;
}
