// Requests that are refused, phases that take too long, and the bounds on connections.
#include <sys/socket.h>

#include "io/http_server.h"
#include "io/io_test_support.h"

namespace agw::io {
namespace {

using namespace test;
using testing::HasSubstr;

net::awaitable<void> echo(ServerRequest& request, ResponseWriter& response) {
  std::string body = request.body;
  co_await response.send(200, {}, std::move(body));
}

ServerOptions options() { return {.listen = "127.0.0.1:0"}; }

TEST(HttpServerLimits, RefusesWhatIsNotARequest) {
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

// The bodies of all requests together; a declared length is refused before a byte of it is read.
TEST(HttpServerLimits, RefusesABodyThatDoesNotFitBesideTheOthers) {
  ServerOptions small = options();
  small.body_memory = std::make_shared<MemoryBudget>(100);
  TestServer server(echo, small);
  RawSocket first = server.connect();
  first.send("POST / HTTP/1.1\r\nContent-Length: 60\r\n\r\n" + std::string(59, 'a'));
  while (small.body_memory->used() == 0) std::this_thread::yield();
  for (const std::string& request : {std::string("POST / HTTP/1.1\r\nContent-Length: 41\r\n\r\n"),
                                     "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n29\r\n" +
                                         std::string(41, 'b') + "\r\n"}) {
    RawSocket second = server.connect();
    second.send(request);
    const std::string answer = second.readAll();
    EXPECT_EQ(answer.substr(0, 12), "HTTP/1.1 503");
    EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: 1\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nConnection: close\r\n"));
  }
  RawSocket third = server.connect();
  third.send("POST / HTTP/1.1\r\nContent-Length: 40\r\nConnection: close\r\n\r\n" +
             std::string(40, 'c'));
  EXPECT_THAT(third.readAll(), HasSubstr(std::string(40, 'c')));
  first.send("a");
  EXPECT_EQ(first.readUntil("\r\n"), "HTTP/1.1 200 OK\r\n");
  while (small.body_memory->used() != 0) std::this_thread::yield();  // or the test's time limit
}

// Beast's own limit forgets the fields that it has parsed: fields that come one by one must still
// add up.
TEST(HttpServerLimits, LimitsAHeaderThatComesFieldByField) {
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

TEST(HttpServerLimits, AnswersATooLargeBodyToAClientThatSendsItAll) {
  ServerOptions small = options();
  small.max_body_bytes = 2 << 20;
  TestServer server(echo, small);
  RawSocket socket = server.connect();
  const std::string body((2 << 20) + 1, 'x');
  socket.send("POST / HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
              body);
  EXPECT_EQ(socket.readUntil("\r\n"), "HTTP/1.1 413 Payload Too Large\r\n");
}

TEST(HttpServerLimits, TakesALargeBody) {
  TestServer server(echo);
  RawSocket socket = server.connect();
  std::string body(16 << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 >> 3);
  socket.send("POST / HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
              body);
  const std::string answer = socket.readMessage();
  EXPECT_TRUE(answer.size() > body.size() && answer.substr(answer.size() - body.size()) == body);
}

TEST(HttpServerLimits, EndsEachPhaseAtItsDeadline) {
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

TEST(HttpServerLimits, CountsTheHeaderDeadlineFromItsFirstByte) {
  ServerOptions quick = options();
  quick.header_timeout = 100ms;
  TestServer server(echo, quick);
  RawSocket socket = server.connect();
  const auto start = Clock::now();
  bool open = true;
  for (int i = 0; open && i < 500; ++i) {
    open = socket.trySend(i == 0 ? "GET / HTTP/1.1\r\nA: " : "x");
    std::this_thread::sleep_for(10ms);  // the pace of a slow client
    char byte;
    if (::recv(socket.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) break;
  }
  EXPECT_LT(Clock::now() - start, 2s) << "dribbled bytes must not move the deadline";
  EXPECT_EQ(socket.readUntil("\r\n"), "HTTP/1.1 408 Request Timeout\r\n");
}

TEST(HttpServerLimits, ClosesAConnectionAfterItsLastRequest) {
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

TEST(HttpServerLimits, PausesAcceptingAtTheConnectionLimit) {
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
    std::this_thread::sleep_for(20ms);  // nothing is to come meanwhile
    char byte;
    EXPECT_LT(::recv(third.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT), 0) << "served over the limit";
    open.erase(open.begin());
    EXPECT_THAT(third.readMessage(), HasSubstr("200 OK"));
    open.push_back(std::move(third));
  }
}

}  // namespace
}  // namespace agw::io
