// Which connections are used again, and what closes them.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <latch>
#include <thread>

#include "io/http_client.h"
#include "io/io_test_support.h"

namespace agw::io {
namespace {

using namespace test;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

HttpRequest get(const RawServer& server) { return {"GET", server.url(), {}, ""}; }

// Answers every request of every connection with `bytes` until the peer closes.
RawServer::Script answering(std::string bytes) {
  return [bytes = std::move(bytes)](RawSocket& socket, int) {
    while (!socket.peerClosed()) {
      socket.readMessage();
      socket.send(bytes);
    }
  };
}

TEST(HttpClientPool, UsesAConnectionAgain) {
  RawServer server(
      answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"));
  {
    TestClient client;
    for (int i = 0; i < 10; ++i) EXPECT_EQ(client.fetch(get(server))->body, "ok");
  }
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClientPool, DoesNotReuseAConnectionThatMayNotBe) {
  const std::vector<std::string> answers = {
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
      "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      "extra",
  };
  for (const std::string& bytes : answers) {
    RawServer server([&bytes](RawSocket& socket, int) {
      socket.readMessage();
      socket.send(bytes);
      EXPECT_TRUE(socket.peerClosed());
    });
    TestClient client;
    for (int i = 0; i < 2; ++i) EXPECT_EQ(client.fetch(get(server))->body, "ok");
    EXPECT_TRUE(eventually([&] { return server.accepted() == 2; })) << bytes;
  }
}

TEST(HttpClientPool, ReplacesAConnectionThatThePeerClosedWhileItWasIdle) {
  std::promise<void> closed[2];
  RawServer server([&closed](RawSocket& socket, int number) {
    socket.readMessage();
    socket.send(kOk);
    if (number == 0) std::this_thread::sleep_for(20ms);  // the client has it in its pool by then
    socket.close();
    closed[number].set_value();
  });
  TestClient client;
  for (int i = 0; i < 2; ++i) {
    const auto answer = client.fetch(get(server));
    ASSERT_TRUE(answer) << answer.error().detail;
    closed[i].get_future().wait();
  }
  EXPECT_EQ(server.accepted(), 2);
}

// The peer closes a pooled connection while the next request is being written: nobody has read that
// request whole, so it is sent again, once.
TEST(HttpClientPool, SendsAgainWhenAPooledConnectionBreaksDuringTheWrite) {
  const auto script = [](int good_from) {
    return [good_from](RawSocket& socket, int number) {
      if (number == 0) {
        socket.readMessage();
        socket.send(kOk);
      }
      if (number < good_from) {
        socket.readUntil("\r\n\r\n");
        socket.closeWithReset();
      } else {
        EXPECT_GT(socket.readMessage().size(), 32u << 20);
        socket.send(kOk);
        socket.peerClosed();
      }
    };
  };
  {
    RawServer server(script(1));
    TestClient client;
    EXPECT_TRUE(client.fetch(get(server)));
    const auto answer = client.fetch({"POST", server.url(), {}, std::string(32 << 20, 'x')});
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->body, "ok");
    EXPECT_EQ(server.accepted(), 2);
  }
  RawServer server(script(9));
  TestClient client;
  EXPECT_TRUE(client.fetch(get(server)));
  const auto answer = client.fetch({"POST", server.url(), {}, std::string(32 << 20, 'x')});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::UpstreamUnreachable);
  EXPECT_TRUE(answer.error().retryable);
  EXPECT_EQ(server.accepted(), 2) << "one retry, not more";
}

// The request was written whole: the peer may have acted on it.
TEST(HttpClientPool, DoesNotSendAgainWhatWasWritten) {
  RawServer server([](RawSocket& socket, int number) {
    for (int i = 0; i < 2 - number; ++i) {
      socket.readMessage();
      if (i == 0) socket.send(kOk);
    }
  });
  TestClient client;
  EXPECT_TRUE(client.fetch(get(server)));
  const auto answer = client.fetch({"POST", server.url(), {}, "x"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::UpstreamUnreachable);
  EXPECT_FALSE(answer.error().retryable);
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClientPool, ClosesIdleConnectionsAfterTheirTime) {
  std::atomic<bool> closed{false};
  RawServer server([&closed](RawSocket& socket, int) {
    socket.readMessage();
    socket.send(kOk);
    closed = socket.peerClosed();
  });
  TestClient client({.idle_timeout = 50ms});
  EXPECT_TRUE(client.fetch(get(server)));
  EXPECT_TRUE(eventually([&] { return closed.load(); }));
}

TEST(HttpClientPool, KeepsNoMoreThanItsLimit) {
  std::atomic<int> open{0};
  std::latch all_open(5);
  std::vector<std::jthread> threads;
  RawServer server([&](RawSocket& socket, int) {
    ++open;
    auto own = std::make_shared<RawSocket>(std::move(socket));
    threads.emplace_back([own, &open, &all_open] {
      own->readMessage();
      all_open.arrive_and_wait();
      own->send(kOk);
      own->peerClosed();
      --open;
    });
  });
  {
    TestClient client({.max_idle_per_host = 2});
    std::vector<std::future<Result<TestClient::Answer>>> fetches;
    for (int i = 0; i < 5; ++i) {
      fetches.push_back(std::async(std::launch::async, [&] { return client.fetch(get(server)); }));
    }
    for (auto& fetch : fetches) EXPECT_TRUE(fetch.get());
    EXPECT_TRUE(eventually([&] { return open == 2; }));
    std::this_thread::sleep_for(20ms);  // nothing is to happen meanwhile
    EXPECT_EQ(open, 2);
  }
  EXPECT_TRUE(eventually([&] { return open == 0; })) << "the client's end closes its connections";
}

TEST(HttpClientPool, ClosesAnAnswerThatIsDroppedBeforeItsEnd) {
  std::atomic<int> closed{0};
  RawServer server([&closed](RawSocket& socket, int) {
    socket.readMessage();
    socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
    if (socket.peerClosed()) ++closed;
  });
  TestClient client;
  const auto task = [](HttpClient& http, HttpRequest request, bool read) -> net::awaitable<int> {
    auto response = co_await http.send(std::move(request), {});
    if (read) co_await (*response)->read();
    co_return (*response)->status();
  };
  EXPECT_EQ(client.run(task(client.client(), get(server), false)), 200);
  EXPECT_EQ(client.run(task(client.client(), get(server), true)), 200);
  EXPECT_TRUE(eventually([&] { return closed == 2; }));
}

// An answer that was read whole gives its connection back even when nobody asks for the end.
TEST(HttpClientPool, KeepsTheConnectionOfAnAnswerWithoutABody) {
  RawServer server(answering("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"));
  {
    TestClient client;
    const auto task = [](HttpClient& http, HttpRequest request) -> net::awaitable<int> {
      auto response = co_await http.send(std::move(request), {});
      co_return (*response)->status();
    };
    for (int i = 0; i < 3; ++i) EXPECT_EQ(client.run(task(client.client(), get(server))), 202);
  }
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClientPool, CancellingClosesTheConnectionAtOnce) {
  // What the server sends before it falls silent, and how large the request is.
  const std::vector<std::pair<std::string, std::size_t>> phases = {
      {"", 1}, {"HTTP/1.1 200", 1}, {"HTTP/1.1 200 OK\r\n\r\nabc", 1}, {"unread", 32 << 20}};
  for (const auto& [bytes, size] : phases) {
    std::promise<void> waiting;
    std::promise<bool> closed;
    RawServer server([&, &bytes = bytes](RawSocket& socket, int) {
      if (bytes != "unread") {
        socket.readMessage();
        socket.send(bytes);
      }
      std::this_thread::sleep_for(20ms);  // the client is in its next wait
      waiting.set_value();
      if (bytes == "unread") socket.readAll();
      closed.set_value(socket.peerClosed());
    });
    TestClient client;
    net::cancellation_signal cancel;
    std::promise<std::exception_ptr> ended;
    const auto task = [](HttpClient& http, HttpRequest request) -> net::awaitable<void> {
      auto response = co_await http.send(std::move(request), {});
      if (response) co_await readAll(**response, 1 << 20);
    };
    net::co_spawn(client.context(),
                  task(client.client(), {"POST", server.url(), {}, std::string(size, 'x')}),
                  net::bind_cancellation_slot(
                      cancel.slot(), [&ended](std::exception_ptr e) { ended.set_value(e); }));
    waiting.get_future().wait();
    const auto start = Clock::now();
    net::post(client.context(), [&cancel] { cancel.emit(net::cancellation_type::terminal); });
    ASSERT_EQ(ended.get_future().wait_for(kPatience), std::future_status::ready) << bytes;
    EXPECT_TRUE(closed.get_future().get()) << bytes;
    EXPECT_LT(Clock::now() - start, 1s) << bytes;
  }
}

// The whole way: client gone, server's handler cancelled, its upstream connection closed.
TEST(HttpClientPool, ClosesTheUpstreamWhenTheServersClientLeaves) {
  std::promise<void> asked;
  std::promise<Clock::time_point> closed;
  RawServer upstream([&](RawSocket& socket, int) {
    socket.readMessage();
    socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
    asked.set_value();
    if (socket.peerClosed()) closed.set_value(Clock::now());
  });
  std::unique_ptr<HttpClient> client;
  TestServer server([&](ServerRequest&, ResponseWriter& response) -> net::awaitable<void> {
    auto answer = co_await client->send(get(upstream), {});
    if (!answer) co_return;
    co_await response.start(200, {}, {});
    for (;;) {
      const auto piece = co_await (*answer)->read();
      if (!piece || piece->empty()) co_return;
      co_await response.write(*piece);
    }
  });
  client = makeHttpClient(server.context(), {});
  RawSocket socket = server.connect();
  socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  socket.readUntil("ok");
  asked.get_future().wait();
  const auto left = Clock::now();
  socket.close();
  auto seen = closed.get_future();
  ASSERT_EQ(seen.wait_for(kPatience), std::future_status::ready);
  EXPECT_LT(seen.get() - left, 1s);
  EXPECT_TRUE(eventually([&] { return server->openRequests() == 0; }));
  std::promise<void> destroyed;
  net::post(server.context(), [&] {
    client.reset();
    destroyed.set_value();
  });
  destroyed.get_future().wait();
}

}  // namespace
}  // namespace agw::io
