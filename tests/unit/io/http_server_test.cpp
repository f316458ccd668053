#include "io/http_server.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <set>

#include "io/io_test_support.h"

namespace agw::io {
namespace {

using namespace test;
using testing::HasSubstr;

net::awaitable<void> echo(ServerRequest& request, ResponseWriter& response) {
  HttpHeaders headers{{"Content-Type", "text/plain"}};
  std::string body = request.method + " " + request.target + " " + request.body;
  co_await response.send(200, std::move(headers), std::move(body));
}

ServerOptions options() { return {.listen = "127.0.0.1:0"}; }

TEST(HttpServer, AnswersOneRequestAfterTheOtherOnOneConnection) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  for (int i = 0; i < 3; ++i) {
    socket.send("POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(socket.readMessage(),
              "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n\r\nPOST "
              "/a?b=c hello")
        << i;
  }
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  std::string requests;
  for (int i = 0; i < 20; ++i)
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  socket.send(requests);
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(socket.readMessage(), testing::EndsWith("\r\n\r\nGET /" + std::to_string(i) + " "))
        << i;
  }
}

TEST(HttpServer, TakesARequestThatComesByteByByte) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  const std::string request =
      "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: t\r\n\r\n";
  for (const char byte : request) socket.send(std::string_view(&byte, 1));
  EXPECT_THAT(socket.readMessage(), testing::EndsWith("\r\n\r\nPOST /x abcde"));
}

TEST(HttpServer, GivesTheHandlerTheHeaderFieldsAsSentAndDropsTrailers) {
  HttpHeaders seen;
  TestServer server([&seen](ServerRequest& request, ResponseWriter& response) {
    seen = request.headers;
    EXPECT_EQ(request.header("x-AGENT-model"), "m");
    return echo(request, response);
  });
  RawSocket socket = server.connect();
  socket.send(
      "POST / HTTP/1.1\r\nHost: x\r\nX-Agent-Model:  m \r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\nX-Agent-Key-Id: evil\r\n\r\n");
  socket.readMessage();
  std::string all;
  for (const HttpHeader& header : seen) all += header.name + "=" + header.value + ";";
  EXPECT_EQ(all, "Host=x;X-Agent-Model=m;Transfer-Encoding=chunked;");
}

TEST(HttpServer, SaysContinueWhenAsked) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  socket.send("POST /x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(socket.readUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("ok");
  EXPECT_THAT(socket.readMessage(), testing::EndsWith("POST /x ok"));
}

TEST(HttpServer, SpeaksHttp10) {
  TestServer server(echo);
  RawSocket closing = server.connect();
  closing.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(closing.readAll(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\nConnection: "
            "close\r\n\r\nGET / ");
  RawSocket keeping = server.connect();
  for (int i = 0; i < 2; ++i) {
    keeping.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(keeping.readMessage(), HasSubstr("\r\nConnection: keep-alive\r\n"));
  }
}

net::awaitable<void> stream(ServerRequest&, ResponseWriter& response) {
  HttpHeaders headers{{"Content-Type", "text/event-stream"}};
  co_await response.start(200, std::move(headers), {});
  co_await response.write("data: one\n\n");
  co_await response.write("");
  co_await response.write("data: two, which is longer\n\n");
  co_await response.finish({});
}

TEST(HttpServer, StreamsOneChunkAWrite) {
  TestServer server(stream);
  RawSocket socket = server.connect();
  for (int i = 0; i < 2; ++i) {
    socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(
        socket.readMessage(),
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        "b\r\ndata: one\n\n\r\n1c\r\ndata: two, which is longer\n\n\r\n0\r\n\r\n");
  }
}

TEST(HttpServer, StreamsToHttp10WithoutChunks) {
  TestServer server(stream);
  RawSocket socket = server.connect();
  socket.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(socket.readAll(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            "data: one\n\ndata: two, which is longer\n\n");
}

TEST(HttpServer, SendsNoBodyToHead) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  socket.send(
      "HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(socket.readAll(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\n"
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: "
            "close\r\n\r\nGET /2 ");
}

TEST(HttpServer, ClosesWhenTheHandlerLeavesTheResponseOpen) {
  TestServer server([](ServerRequest& request, ResponseWriter& response) -> net::awaitable<void> {
    if (request.target == "/none") co_return;
    co_await response.start(200, {}, {});
    co_await response.write("abc");
    if (request.target == "/throw") throw std::runtime_error("broken handler");
  });
  for (const char* target : {"/none", "/cut", "/throw"}) {
    RawSocket socket = server.connect();
    socket.send(std::string("GET ") + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(socket.readAll(),
              target == std::string("/none")
                  ? ""
                  : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  }
  EXPECT_THAT(server.log.events(), testing::ElementsAre("handler_failed"));
}

TEST(HttpServer, Answers500WhenTheHandlerThrows) {
  TestServer server([](ServerRequest&, ResponseWriter&) -> net::awaitable<void> {
    throw std::runtime_error("a secret detail");
    co_return;
  });
  RawSocket socket = server.connect();
  socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string answer = socket.readAll();
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 500 "));
  EXPECT_THAT(answer, testing::EndsWith("{\"status\":500,\"message\":\"internal error\"}"));
  EXPECT_THAT(server.log.events(), testing::ElementsAre("handler_failed"));
}

TEST(HttpServer, RefusesResponseHeadersThatWouldSplit) {
  std::atomic<bool> refused{false};
  TestServer server([&refused](ServerRequest&, ResponseWriter& response) -> net::awaitable<void> {
    HttpHeaders headers{{"X-A", "b\r\nSet-Cookie: c"}};
    const auto sent = co_await response.send(200, std::move(headers), "x");
    refused = !sent && sent.error().code == ErrorCode::InternalError;
  });
  RawSocket socket = server.connect();
  socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(socket.readAll(), "");
  EXPECT_TRUE(refused);
}

TEST(HttpServer, RefusesCallsOutOfOrder) {
  std::vector<bool> done;
  std::promise<void> finished;
  TestServer server(
      [&done, &finished](ServerRequest&, ResponseWriter& response) -> net::awaitable<void> {
        done.push_back((co_await response.send(200, {}, "whole")).has_value());
        done.push_back((co_await response.send(200, {}, "again")).has_value());
        done.push_back((co_await response.start(200, {}, {})).has_value());
        done.push_back((co_await response.write("x")).has_value());
        done.push_back((co_await response.finish({})).has_value());
        finished.set_value();
      });
  RawSocket socket = server.connect();
  socket.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(socket.readAll(), testing::EndsWith("\r\n\r\nwhole"));
  finished.get_future().wait();
  EXPECT_THAT(done, testing::ElementsAre(true, false, false, false, false));
}

TEST(HttpServer, SpreadsOpenRequestsOverItsWorkers) {
  std::mutex mutex;
  std::map<std::thread::id, int> started;
  std::atomic<bool> release{false};
  TestServer server(
      [&](ServerRequest&, ResponseWriter& response) -> net::awaitable<void> {
        {
          const std::lock_guard lock(mutex);
          ++started[std::this_thread::get_id()];
        }
        net::steady_timer timer(co_await net::this_coro::executor);
        while (!release) {
          timer.expires_after(1ms);
          co_await timer.async_wait(net::use_awaitable);
        }
        co_await response.send(200, {}, "done");
      },
      options(), 2);
  std::vector<RawSocket> sockets;
  for (std::size_t i = 0; i < 10; ++i) {
    sockets.push_back(server.connect());
    sockets.back().send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(eventually([&] { return server->openRequests() == i + 1; }));
  }
  {
    const std::lock_guard lock(mutex);
    ASSERT_EQ(started.size(), 2u);
    for (const auto& [thread, count] : started) EXPECT_EQ(count, 5);
  }
  release = true;
  for (RawSocket& socket : sockets) EXPECT_THAT(socket.readMessage(), testing::EndsWith("done"));
  EXPECT_TRUE(eventually([&] { return server->openRequests() == 0; }));
}

}  // namespace
}  // namespace agw::io
