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
  co_await response.start(200, std::move(headers));
  co_await response.write("data: one\n\n");
  co_await response.write("");
  co_await response.write("data: two, which is longer\n\n");
  co_await response.finish();
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

TEST(HttpServer, RefusesWhatIsNotARequest) {
  ServerOptions small = options();
  small.max_header_bytes = 1024;
  small.max_body_bytes = 10;
  TestServer server(echo, small);
  std::string many_fields;
  for (int i = 0; i < 100; ++i) many_fields += "A: 1234567890\r\n";
  const std::vector<std::pair<std::string, int>> cases = {
      {"\x16\x03\x01 tls\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 505},
      {"GET /" + std::string(2000, 'a') + " HTTP/1.1\r\n\r\n", 414},
      {"GET / HTTP/1.1\r\nA: " + std::string(2000, 'a') + "\r\n\r\n", 431},
      {"GET / HTTP/1.1\r\n" + many_fields + "\r\n", 431},
      {"POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n", 413},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n3\r\n", 413},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + many_fields + "\r\n", 431},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n0123", 400},
      {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400},
  };
  for (const auto& [request, status] : cases) {
    RawSocket socket = server.connect();
    socket.send(request);
    const std::string answer = socket.readAll();
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 " + std::to_string(status)) << request.substr(0, 80);
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Type: application/json\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
    EXPECT_THAT(answer,
                HasSubstr("\r\n\r\n{\"status\":" + std::to_string(status) + ",\"message\":\"the "));
  }
}

// Beast's own limit forgets the fields that it has parsed: fields that come one by one must still
// add up.
TEST(HttpServer, LimitsAHeaderThatComesFieldByField) {
  ServerOptions small = options();
  small.max_header_bytes = 1024;
  TestServer server(echo, small);
  RawSocket socket = server.connect();
  socket.send("GET / HTTP/1.1\r\n");
  for (int i = 0; i < 200; ++i) {
    if (!socket.trySend("A: 1234567890\r\n")) break;
    std::this_thread::sleep_for(100us);  // makes the server read between two fields
  }
  EXPECT_EQ(socket.readUntil("\r\n"), "HTTP/1.1 431 Request Header Fields Too Large\r\n");
}

TEST(HttpServer, AnswersATooLargeBodyToAClientThatSendsItAll) {
  ServerOptions small = options();
  small.max_body_bytes = 2 << 20;
  TestServer server(echo, small);
  RawSocket socket = server.connect();
  const std::string body((2 << 20) + 1, 'x');
  socket.send("POST / HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
              body);
  EXPECT_EQ(socket.readUntil("\r\n"), "HTTP/1.1 413 Payload Too Large\r\n");
}

TEST(HttpServer, TakesALargeBody) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  std::string body(16 << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 >> 3);
  socket.send("POST / HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
              body);
  const std::string answer = socket.readMessage();
  EXPECT_TRUE(answer.size() > body.size() && answer.substr(answer.size() - body.size()) == body);
}

TEST(HttpServer, EndsEachPhaseAtItsDeadline) {
  ServerOptions quick = options();
  quick.header_timeout = quick.body_timeout = quick.idle_timeout = 50ms;
  TestServer server(echo, quick);
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"GET / HT", "HTTP/1.1 408 Request Timeout"},
      {"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", "HTTP/1.1 408 Request Timeout"},
      {"POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
       "HTTP/1.1 100 Continue"},
      {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK"},  // then idle
  };
  for (const auto& [sent, first_line] : cases) {
    RawSocket socket = server.connect();
    socket.send(sent);
    const std::string answer = socket.readAll();
    EXPECT_EQ(answer.substr(0, answer.find('\r')), first_line) << sent;
  }
}

TEST(HttpServer, CountsTheHeaderDeadlineFromItsFirstByte) {
  ServerOptions quick = options();
  quick.header_timeout = 100ms;
  TestServer server(echo, quick);
  RawSocket socket = server.connect();
  const auto start = Clock::now();
  bool open = true;
  for (int i = 0; open && i < 500; ++i) {
    open = socket.trySend(i == 0 ? "GET / HTTP/1.1\r\nA: " : "x");
    std::this_thread::sleep_for(10ms);
    char byte;
    if (::recv(socket.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) break;
  }
  EXPECT_LT(Clock::now() - start, 2s) << "dribbled bytes must not move the deadline";
  EXPECT_EQ(socket.readUntil("\r\n"), "HTTP/1.1 408 Request Timeout\r\n");
}

TEST(HttpServer, ClosesAConnectionAfterItsLastRequest) {
  ServerOptions three = options();
  three.max_requests_per_connection = 3;
  TestServer server(echo, three);
  RawSocket socket = server.connect();
  for (int i = 0; i < 3; ++i) {
    socket.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string answer = socket.readMessage();
    EXPECT_EQ(answer.find("Connection: close") != std::string::npos, i == 2) << answer;
  }
  EXPECT_TRUE(socket.peerClosed());
}

TEST(HttpServer, PausesAcceptingAtTheConnectionLimit) {
  ServerOptions two = options();
  two.max_connections = 2;
  TestServer server(echo, two);
  std::vector<RawSocket> open;
  for (int i = 0; i < 2; ++i) {
    open.push_back(server.connect());
    open.back().send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    open.back().readMessage();
  }
  for (int round = 0; round < 5; ++round) {
    RawSocket third = server.connect();
    third.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    std::this_thread::sleep_for(20ms);
    char byte;
    EXPECT_LT(::recv(third.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT), 0) << "served over the limit";
    open.erase(open.begin());
    EXPECT_THAT(third.readMessage(), HasSubstr("200 OK"));
    open.push_back(std::move(third));
  }
}

TEST(HttpServer, ClosesWhenTheHandlerLeavesTheResponseOpen) {
  TestServer server([](ServerRequest& request, ResponseWriter& response) -> net::awaitable<void> {
    if (request.target == "/none") co_return;
    co_await response.start(200, {});
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
        done.push_back((co_await response.start(200, {})).has_value());
        done.push_back((co_await response.write("x")).has_value());
        done.push_back((co_await response.finish()).has_value());
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
