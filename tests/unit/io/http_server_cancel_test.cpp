// What happens to a handler when its client leaves.
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "io/http_server.h"
#include "io/io_test_support.h"

namespace agw::io {
namespace {

using namespace test;
using namespace boost::asio::experimental::awaitable_operators;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

// Counts how handlers end.
struct Ends {
  std::atomic<int> started{0};
  std::atomic<int> cancelled{0};
  std::atomic<int> finished{0};
};

class Guard {
 public:
  explicit Guard(Ends& ends) : ends_(ends) { ++ends_.started; }
  ~Guard() { ++(finished ? ends_.finished : ends_.cancelled); }
  bool finished = false;

 private:
  Ends& ends_;
};

FunctionHandler::Function waiting(Ends& ends) {
  return [&ends](ServerRequest&, ResponseWriter& response) -> net::awaitable<void> {
    Guard guard(ends);
    net::steady_timer timer(co_await net::this_coro::executor, 60s);
    co_await timer.async_wait(net::use_awaitable);
    co_await response.send(200, {}, "late");
    guard.finished = true;
  };
}

TEST(HttpServerCancel, StopsTheHandlerOfEveryClientThatLeaves) {
  Ends ends;
  TestServer server(waiting(ends), {.listen = "127.0.0.1:0"}, 2);
  Clock::duration worst{0};
  for (int i = 0; i < 30; ++i) {
    RawSocket socket = server.connect();
    socket.send(kGet);
    ASSERT_TRUE(eventually([&] { return ends.started == i + 1; }));
    const auto left = Clock::now();
    if (i % 3 == 0) socket.close();
    if (i % 3 == 1) socket.closeWithReset();
    if (i % 3 == 2) socket.shutdownWrite();
    ASSERT_TRUE(eventually([&] { return ends.cancelled == i + 1; })) << i;
    worst = std::max(worst, Clock::now() - left);
    if (i % 3 == 2) {
      EXPECT_EQ(socket.readAll(), "");  // no answer: the connection is closed
    }
  }
  EXPECT_EQ(ends.finished, 0);
  EXPECT_LT(worst, 1s);
  EXPECT_TRUE(eventually([&] { return server->openRequests() == 0; }));
  EXPECT_THAT(server.log.events(), testing::IsEmpty());
}

TEST(HttpServerCancel, ReachesThroughNestedTasks) {
  Ends ends;
  TestServer server([&ends](ServerRequest&, ResponseWriter&) -> net::awaitable<void> {
    net::steady_timer a(co_await net::this_coro::executor, 60s);
    net::steady_timer b(co_await net::this_coro::executor, 60s);
    const auto wait = [](Ends& e, net::steady_timer& timer) -> net::awaitable<void> {
      Guard guard(e);
      co_await timer.async_wait(net::use_awaitable);
      guard.finished = true;
    };
    co_await (wait(ends, a) && wait(ends, b));
  });
  RawSocket socket = server.connect();
  socket.send(kGet);
  ASSERT_TRUE(eventually([&] { return ends.started == 2; }));
  socket.close();
  EXPECT_TRUE(eventually([&] { return ends.cancelled == 2; }));
}

TEST(HttpServerCancel, StopsAHandlerThatIsBlockedInAWrite) {
  Ends ends;
  std::atomic<bool> told{false};
  TestServer server([&](ServerRequest&, ResponseWriter& response) -> net::awaitable<void> {
    Guard guard(ends);
    co_await response.start(200, {}, {});
    const std::string block(1 << 20, 'x');
    for (;;) {
      const auto written = co_await response.write(block);
      if (!written) {
        told = written.error().code == ErrorCode::RunCancelled &&
               written.error().source == ErrorSource::Client;
        co_return;
      }
    }
  });
  RawSocket socket = server.connect();
  socket.send(kGet);
  socket.readUntil("xxx");
  std::this_thread::sleep_for(50ms);  // lets the socket buffers fill, so that the write blocks
  socket.close();
  EXPECT_TRUE(eventually([&] { return ends.cancelled == 1; }));
  EXPECT_TRUE(told);
}

TEST(HttpServerCancel, EndsAWriteThatNobodyReadsAtItsDeadline) {
  std::atomic<int> failed{0};
  ServerOptions quick{.listen = "127.0.0.1:0"};
  quick.write_timeout = 100ms;
  TestServer server(
      [&failed](ServerRequest&, ResponseWriter& response) -> net::awaitable<void> {
        co_await response.start(200, {}, {});
        const std::string block(1 << 20, 'x');
        Result<void> written;
        while (written) written = co_await response.write(block);
        if (written.error().message == "the client does not read its response") ++failed;
        written = co_await response.write("more");
        if (!written && written.error().code == ErrorCode::RunCancelled) ++failed;
      },
      quick);
  RawSocket socket = server.connect();
  socket.send(kGet);
  EXPECT_TRUE(eventually([&] { return failed == 2; }));
  EXPECT_TRUE(eventually([&] { return server->openRequests() == 0; }));
}

TEST(HttpServerCancel, LeavesAHandlerAloneWhenTheNextRequestComesEarly) {
  Ends ends;
  TestServer server(
      [&ends](ServerRequest& request, ResponseWriter& response) -> net::awaitable<void> {
        Guard guard(ends);
        net::steady_timer timer(co_await net::this_coro::executor, 100ms);
        co_await timer.async_wait(net::use_awaitable);
        std::string body = request.target;
        co_await response.send(200, {}, std::move(body));
        guard.finished = true;
      });
  RawSocket socket = server.connect();
  socket.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return ends.started == 1; }));
  socket.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(socket.readMessage(), testing::EndsWith("/1"));
  EXPECT_THAT(socket.readMessage(), testing::EndsWith("/2"));
  EXPECT_TRUE(eventually([&] { return ends.finished == 2; }));
}

// A handler may protect its cleaning up; that must not outlast it.
TEST(HttpServerCancel, ForgetsWhatAHandlerDidToItsCancellationState) {
  Ends ends;
  TestServer server(
      [&ends](ServerRequest& request, ResponseWriter& response) -> net::awaitable<void> {
        if (request.target == "/protect") {
          co_await net::this_coro::reset_cancellation_state(net::disable_cancellation());
          co_await net::this_coro::throw_if_cancelled(false);
          co_await response.send(200, {}, "ok");
          co_return;
        }
        Guard guard(ends);
        net::steady_timer timer(co_await net::this_coro::executor, 60s);
        co_await timer.async_wait(net::use_awaitable);
        guard.finished = true;
      });
  RawSocket socket = server.connect();
  socket.send("GET /protect HTTP/1.1\r\nHost: x\r\n\r\n");
  socket.readMessage();
  socket.send(kGet);
  ASSERT_TRUE(eventually([&] { return ends.started == 1; }));
  socket.close();
  EXPECT_TRUE(eventually([&] { return ends.cancelled == 1; }));
}

TEST(HttpServerCancel, IsNotTriggeredByRequestsThatEnd) {
  TestServer server([](ServerRequest& request, ResponseWriter& response) -> net::awaitable<void> {
    net::steady_timer timer(co_await net::this_coro::executor, 0ms);
    if (request.target == "/wait") co_await timer.async_wait(net::use_awaitable);
    co_await response.send(200, {}, "ok");
  });
  RawSocket socket = server.connect();
  for (int i = 0; i < 500; ++i) {
    socket.send(i % 2 == 0 ? "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
                           : "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_THAT(socket.readMessage(), testing::EndsWith("\r\n\r\nok")) << i;
  }
}

}  // namespace
}  // namespace agw::io
