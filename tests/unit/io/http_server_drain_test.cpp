#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <latch>

#include "io/http_server.h"
#include "io/io_test_support.h"
#include "io/temp_dir.h"

namespace agw::io {
namespace {

using namespace test;
using testing::HasSubstr;

constexpr std::string_view kPost = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";

net::awaitable<void> answer(ServerRequest& request, ResponseWriter& response) {
  std::string body = request.body;
  co_await response.send(200, {}, std::move(body));
}

class Drain : public testing::TestWithParam<const char*> {
 protected:
  ServerOptions options() const {
    const bool local = GetParam() == std::string("unix");
    return {.listen = local ? "unix:" + dir_.file("s.sock") : "127.0.0.1:0"};
  }
  TempDir dir_;
};

// The order that DESIGN's drain asks for: connections that wait in the accept queue, with their
// request already written, are served.
TEST_P(Drain, LosesNoRequestOfAQueuedConnection) {
  TestServer server(answer, options(), 2);
  std::latch blocked(1);
  std::latch go(1);
  net::post(server.context(), [&] {
    blocked.count_down();
    go.wait();
  });
  blocked.wait();  // worker 0 accepts nothing now
  std::vector<RawSocket> sockets;
  for (int i = 0; i < 50; ++i) {
    sockets.push_back(server.connect());
    sockets.back().send(kPost);
  }
  std::future<void> drained = server.drain(10s);
  go.count_down();
  for (RawSocket& socket : sockets) {
    const std::string response = socket.readAll();
    EXPECT_THAT(response, HasSubstr("200 OK"));
    EXPECT_THAT(response, HasSubstr("Connection: close\r\n"));
    EXPECT_THAT(response, testing::EndsWith("\r\n\r\nhi"));
  }
  sockets.clear();
  EXPECT_EQ(drained.wait_for(kPatience), std::future_status::ready);
  EXPECT_THROW(server.connect(), std::runtime_error);
}

TEST_P(Drain, ServesAnIdleConnectionOnceMoreAndWaitsForItsPeer) {
  TestServer server(answer, options());
  RawSocket idle = server.connect();
  idle.send(kPost);
  EXPECT_EQ(idle.readMessage().find("Connection: close"), std::string::npos);
  RawSocket leaving = server.connect();
  leaving.send(kPost);
  leaving.readMessage();

  std::future<void> drained = server.drain(30s);
  EXPECT_TRUE(eventually([&] {
    try {
      server.connect();
    } catch (const std::runtime_error&) {
      return true;
    }
    return false;
  }));
  EXPECT_EQ(drained.wait_for(50ms), std::future_status::timeout)
      << "idle connections are the peer's to close";
  idle.send(kPost);
  EXPECT_THAT(idle.readAll(), HasSubstr("Connection: close\r\n"));
  idle.close();
  EXPECT_EQ(drained.wait_for(50ms), std::future_status::timeout);
  leaving.close();
  EXPECT_EQ(drained.wait_for(kPatience), std::future_status::ready);
}

TEST_P(Drain, LetsARunningRequestFinish) {
  std::atomic<bool> finish{false};
  TestServer server(
      [&finish](ServerRequest&, ResponseWriter& response) -> net::awaitable<void> {
        co_await response.start(200, {}, {});
        net::steady_timer timer(co_await net::this_coro::executor);
        while (!finish) {
          timer.expires_after(1ms);
          co_await timer.async_wait(net::use_awaitable);
        }
        co_await response.write("end");
        co_await response.finish({});
      },
      options());
  RawSocket socket = server.connect();
  socket.send(kPost);
  socket.readUntil("\r\n\r\n");
  std::future<void> drained = server.drain(30s);
  EXPECT_EQ(drained.wait_for(50ms), std::future_status::timeout);
  finish = true;
  EXPECT_EQ(socket.readUntil("0\r\n\r\n"), "3\r\nend\r\n0\r\n\r\n");
  socket.close();
  EXPECT_EQ(drained.wait_for(kPatience), std::future_status::ready);
}

TEST_P(Drain, EndsIdleConnectionsAndHandlersAtItsDeadline) {
  std::atomic<int> cancelled{0};
  TestServer server(
      [&cancelled](ServerRequest& request, ResponseWriter& response) -> net::awaitable<void> {
        if (request.method == "GET") {
          net::steady_timer timer(co_await net::this_coro::executor, 60s);
          try {
            co_await timer.async_wait(net::use_awaitable);
          } catch (const boost::system::system_error&) {
            ++cancelled;
            throw;
          }
        }
        co_await response.send(200, {}, "ok");
      },
      options(), 2);
  RawSocket idle = server.connect();
  idle.send(kPost);
  idle.readMessage();
  RawSocket fresh = server.connect();
  RawSocket running = server.connect();
  running.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return server->openRequests() == 1; }));
  std::future<void> drained = server.drain(100ms);
  EXPECT_EQ(drained.wait_for(kPatience), std::future_status::ready);
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(idle.readAll() + fresh.readAll() + running.readAll(), "");
  EXPECT_EQ(server->openRequests(), 0u);
}

TEST_P(Drain, ReturnsAtOnceWhenNothingIsOpen) {
  TestServer server(answer, options());
  EXPECT_EQ(server.drain(30s).wait_for(kPatience), std::future_status::ready);
}

INSTANTIATE_TEST_SUITE_P(Sockets, Drain, testing::Values("unix", "tcp"),
                         [](const auto& info) { return info.param; });

TEST(UnixListener, HasItsModeAndDisappearsWithTheServer) {
  const TempDir dir;
  const std::string path = dir.file("s.sock");
  {
    TestServer server(answer, {.listen = "unix:" + path, .socket_mode = 0600});
    EXPECT_EQ(server->address(), "unix:" + path);
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_TRUE(S_ISSOCK(info.st_mode));
    EXPECT_EQ(info.st_mode & 07777, 0600u);
    RawSocket socket = server.connect();
    socket.send(kPost);
    EXPECT_THAT(socket.readMessage(), testing::EndsWith("hi"));
    EXPECT_EQ(dir.entries(), 1u) << "no other name is left behind";
  }
  EXPECT_EQ(dir.entries(), 0u);
}

TEST(UnixListener, ReplacesADeadSocketAndRefusesALiveOne) {
  const TempDir dir;
  const std::string path = dir.file("s.sock");
  {
    TestServer dead(answer, {.listen = "unix:" + path});
    ASSERT_EQ(::link(path.c_str(), dir.file("kept").c_str()), 0);
  }
  ASSERT_EQ(::rename(dir.file("kept").c_str(), path.c_str()), 0);
  ASSERT_THROW(RawSocket::connect("unix:" + path), std::runtime_error);

  TestServer live(answer, {.listen = "unix:" + path});
  try {
    TestServer second(answer, {.listen = "unix:" + path});
    FAIL() << "a live socket was taken over";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), "cannot listen on unix:" + path + ": another process listens on it");
  }
  RawSocket socket = live.connect();
  socket.send(kPost);
  EXPECT_THAT(socket.readMessage(), testing::EndsWith("hi"));
  EXPECT_EQ(dir.entries(), 1u);
}

TEST(UnixListener, LeavesThePathOfItsSuccessorAlone) {
  const TempDir dir;
  const std::string path = dir.file("s.sock");
  TestServer old_server(answer, {.listen = "unix:" + path});
  ASSERT_EQ(::unlink(path.c_str()), 0);
  TestServer successor(answer, {.listen = "unix:" + path});
  EXPECT_EQ(old_server.drain(1s).wait_for(kPatience), std::future_status::ready);
  RawSocket socket = successor.connect();
  socket.send(kPost);
  EXPECT_THAT(socket.readMessage(), testing::EndsWith("hi"));
}

TEST(Listener, RefusesAddressesThatItCannotUse) {
  const TempDir dir;
  dir.write("file", "text");
  TestServer taken(answer);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {taken->address(), "Address already in use"},
      {"unix:" + dir.file("file"), "the path exists and is not a socket"},
      {"unix:" + dir.file("missing/s.sock"), "No such file or directory"},
      {"unix:relative.sock", "the path must be absolute"},
      {"unix:/" + std::string(200, 'a'), "the path is longer than 98 bytes"},
      {"localhost:80", "not \"unix:/path\" or \"ip:port\""},
      {"127.0.0.1", "a port is missing"},
      {"127.0.0.1:", "the port is not a number up to 65535"},
      {"127.0.0.1:65536", "the port is not a number up to 65535"},
      {"::1:80", "an IPv6 address needs brackets"},
  };
  for (const auto& [address, why] : cases) {
    try {
      TestServer server(answer, {.listen = address});
      ADD_FAILURE() << address << " was accepted";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(error.what(), "cannot listen on " + address + ": " + why);
    }
  }
}

}  // namespace
}  // namespace agw::io
