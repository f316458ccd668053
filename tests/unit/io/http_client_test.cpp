#include "io/http_client.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "io/io_test_support.h"

namespace agw::io {
namespace {

using namespace test;
using testing::HasSubstr;

HttpRequest get(const RawServer& server) { return {"GET", server.url(), {}, ""}; }
HttpRequest post(const RawServer& server, std::string body) {
  return {"POST", server.url(), {}, std::move(body)};
}

// A server that answers every connection's first request with these bytes and then closes.
class Canned : public RawServer {
 public:
  explicit Canned(std::string bytes)
      : RawServer([bytes = std::move(bytes)](RawSocket& socket, int) {
          socket.readMessage();
          socket.send(bytes);
        }) {}
};

TEST(HttpClient, SendsOneRequestAndReadsTheAnswer) {
  std::string seen;
  RawServer server([&seen](RawSocket& socket, int) {
    seen = socket.readMessage();
    socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    socket.peerClosed();
  });
  TestClient client;
  const HttpRequest request{"POST", server.url("/v1/x?y=1"), {{"Authorization", "Bearer k"}}, "{}"};
  const auto answer = client.fetch(request);
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "hi");
  EXPECT_EQ(seen, "POST /v1/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                      "\r\nAuthorization: Bearer k\r\nAccept-Encoding: identity\r\nContent-Length: "
                      "2\r\n\r\n{}");
}

TEST(HttpClient, OwnsTheFramingFields) {
  std::string seen;
  RawServer server([&seen](RawSocket& socket, int) {
    seen = socket.readMessage();
    socket.send("HTTP/1.1 204 No Content\r\n\r\n");
  });
  TestClient client;
  HttpRequest request{"GET", Url{false, "localhost", server.port(), "/"}, {}, ""};
  request.headers = {{"host", "evil"},
                     {"Content-Length", "9"},
                     {"Connection", "close"},
                     {"transfer-encoding", "chunked"},
                     {"Accept-Encoding", "gzip"}};
  const auto answer = client.fetch(std::move(request));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 204);
  EXPECT_EQ(seen, "GET / HTTP/1.1\r\nHost: localhost:" + std::to_string(server.port()) +
                      "\r\nAccept-Encoding: gzip\r\n\r\n");
}

TEST(HttpClient, RefusesRequestsThatWouldSplit) {
  RawServer server([](RawSocket&, int) {});
  TestClient client;
  for (int i = 0; i < 4; ++i) {
    HttpRequest request = get(server);
    if (i == 0) request.headers = {{"X", "a\r\nB: c"}};
    if (i == 1) request.headers = {{"X: y", "a"}};
    if (i == 2) request.url.target = "/ HTTP/1.1\r\nX: y";
    if (i == 3) request.method = "GET /";
    const auto answer = client.fetch(std::move(request));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::InternalError);
  }
  EXPECT_EQ(server.accepted(), 0);
}

TEST(HttpClient, DecodesBodies) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"},
      {"HTTP/1.0 200 OK\r\n\r\n", ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ""},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
       "chunked\r\n\r\n3\r\nabc\r\nA;e=1\r\n0123456789\r\n0\r\n\r\n",
       "abc0123456789"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
       "chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\nTrailer: x\r\n\r\n",
       "abc"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
       "Content-Length: 1\r\n\r\nx",
       "x"},
  };
  for (const auto& [bytes, body] : cases) {
    Canned server(bytes);
    TestClient client;
    const auto answer = client.fetch(get(server));
    ASSERT_TRUE(answer) << bytes << ": " << answer.error().detail;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, body);
  }
}

TEST(HttpClient, DecodesAnAnswerThatComesByteByByte) {
  const std::string bytes =
      "HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: t\r\n\r\n";
  RawServer server([&bytes](RawSocket& socket, int) {
    socket.readMessage();
    for (const char byte : bytes) {
      socket.send(std::string_view(&byte, 1));
      std::this_thread::sleep_for(200us);  // lets each byte be read alone
    }
    socket.peerClosed();
  });
  TestClient client;
  const auto answer = client.fetch(get(server));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->body, "abcde");
}

TEST(HttpClient, DecodesALargeBody) {
  std::string body(9 << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 131 >> 5);
  std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t at = 0, size = 1; at < body.size(); at += size, size = size % 40000 + 7) {
    const std::string_view chunk = std::string_view(body).substr(at, size);
    char line[32];
    chunked += std::string(
        line, static_cast<std::size_t>(std::snprintf(line, sizeof line, "%zx\r\n", chunk.size())));
    chunked.append(chunk).append("\r\n");
  }
  chunked += "0\r\n\r\n";
  for (const std::string& bytes : {chunked, "HTTP/1.1 200 OK\r\nContent-Length: " +
                                                std::to_string(body.size()) + "\r\n\r\n" + body}) {
    Canned server(bytes);
    TestClient client;
    const auto answer = client.fetch(get(server));
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_TRUE(answer->body == body);
  }
}

// Pieces come as they arrive: the second part of the body is sent only after the first one was
// read.
TEST(HttpClient, GivesPiecesAsTheyArrive) {
  std::promise<void> got_first;
  RawServer server([&got_first](RawSocket& socket, int) {
    socket.readMessage();
    socket.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Run: "
        "7\r\n\r\n5\r\nfirst\r\n1\r\n+\r\n");
    got_first.get_future().wait();
    socket.send("6\r\nsecond\r\n0\r\n\r\n");
    socket.peerClosed();
  });
  TestClient client;
  const auto task = [](HttpClient& http, HttpRequest request,
                       std::promise<void>& first) -> net::awaitable<std::vector<std::string>> {
    auto response = co_await http.send(std::move(request), {});
    std::vector<std::string> pieces{std::string((*response)->header("x-run"))};
    for (;;) {
      const auto piece = co_await (*response)->read();
      pieces.push_back(piece ? std::string(*piece) : "error");
      if (pieces.size() == 2) first.set_value();
      if (!piece || piece->empty()) break;
    }
    pieces.push_back(std::string(*co_await (*response)->read()));  // the end repeats
    co_return pieces;
  };
  EXPECT_THAT(client.run(task(client.client(), get(server), got_first)),
              testing::ElementsAre("7", "first+", "second", "", ""));
}

TEST(HttpClient, TellsABrokenAnswerFromATruncatedOne) {
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::vector<std::pair<std::string, ErrorCode>> cases = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", ErrorCode::UpstreamStreamTruncated},
      {chunked + "5\r\nabc", ErrorCode::UpstreamStreamTruncated},
      {chunked + "3\r\nabc\r\n", ErrorCode::UpstreamStreamTruncated},
      {chunked + "3\r\nabc\r\n0\r\n", ErrorCode::UpstreamStreamTruncated},
      {chunked + "3\r\nabcd\r\n0\r\n\r\n", ErrorCode::UpstreamInvalidResponse},
      {chunked + "zz\r\n", ErrorCode::UpstreamInvalidResponse},
      {chunked + "1;" + std::string(200000, 'e') + "\r\nx\r\n0\r\n\r\n",
       ErrorCode::UpstreamInvalidResponse},
      {"", ErrorCode::UpstreamUnreachable},
      {"HTTP/1.1 200", ErrorCode::UpstreamInvalidResponse},
      {"HTTP/1.1 200 OK\r\nContent-Le", ErrorCode::UpstreamInvalidResponse},
      {"220 smtp.example.com ESMTP\r\n\r\n", ErrorCode::UpstreamInvalidResponse},
      {"HTTP/2 200 OK\r\n\r\n", ErrorCode::UpstreamInvalidResponse},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", ErrorCode::UpstreamInvalidResponse},
      {"HTTP/1.1 200 OK\r\nX: " + std::string(70000, 'h') + "\r\n\r\n",
       ErrorCode::UpstreamInvalidResponse},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
       ErrorCode::UpstreamInvalidResponse},
  };
  for (const auto& [bytes, code] : cases) {
    Canned server(bytes);
    TestClient client;
    const auto answer = client.fetch(get(server));
    ASSERT_FALSE(answer) << bytes.substr(0, 100);
    EXPECT_EQ(errorEntry(answer.error().code).name, errorEntry(code).name) << bytes.substr(0, 100);
    EXPECT_EQ(answer.error().source, ErrorSource::Upstream);
    EXPECT_FALSE(answer.error().retryable) << "the request may have been acted on";
  }
}

TEST(HttpClient, TellsAResetInEachPhase) {
  for (const auto& [bytes, code] : std::vector<std::pair<std::string, ErrorCode>>{
           {"", ErrorCode::UpstreamUnreachable},
           {"HTTP/1.1 200 OK\r\n", ErrorCode::UpstreamInvalidResponse},
           {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", ErrorCode::UpstreamStreamTruncated},
           {"HTTP/1.1 200 OK\r\n\r\nabc", ErrorCode::UpstreamStreamTruncated}}) {
    RawServer server([&bytes = bytes](RawSocket& socket, int) {
      socket.readMessage();
      socket.send(bytes);
      std::this_thread::sleep_for(50ms);  // a reset would overtake the bytes
      socket.closeWithReset();
    });
    TestClient client;
    const auto answer = client.fetch(get(server));
    ASSERT_FALSE(answer) << bytes;
    EXPECT_EQ(errorEntry(answer.error().code).name, errorEntry(code).name) << bytes;
  }
}

TEST(HttpClient, KeepsFailing) {
  Canned server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
  TestClient client;
  const auto task = [](HttpClient& http, HttpRequest request) -> net::awaitable<std::string> {
    auto response = co_await http.send(std::move(request), {});
    std::string seen;
    for (int i = 0; i < 4; ++i) {
      const auto piece = co_await (*response)->read();
      seen += piece ? std::string(*piece) : "!";
    }
    co_return seen;
  };
  EXPECT_EQ(client.run(task(client.client(), get(server))), "abc!!!");
}

TEST(HttpClient, CannotReachAClosedPort) {
  std::uint16_t port = 0;
  {
    const RawServer gone([](RawSocket&, int) {});
    port = gone.port();
  }
  TestClient client;
  const auto answer =
      client.fetch({"POST", Url{false, "127.0.0.1", port, "/?key=secret"}, {}, "x"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::UpstreamUnreachable);
  EXPECT_TRUE(answer.error().retryable);
  EXPECT_EQ(answer.error().message, "the upstream cannot be reached");
  EXPECT_EQ(answer.error().detail,
            "http:127.0.0.1:" + std::to_string(port) + ": Connection refused");
}

TEST(HttpClient, EndsEachPhaseAtItsDeadline) {
  const HttpTimeouts patient;
  struct Case {
    const char* name;
    std::string answer;  // what the server sends before it falls silent
    HttpTimeouts timeouts;
  };
  HttpTimeouts first_byte, idle, total;
  first_byte.first_byte = 60ms;
  idle.idle = 60ms;
  for (const auto& [name, bytes, timeouts] :
       std::vector<Case>{{"first byte", "", first_byte},
                         {"header", "HTTP/1.1 200 OK\r\nA:", first_byte},
                         {"after 1xx", "HTTP/1.1 100 Continue\r\n\r\n", first_byte},
                         {"idle body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", idle},
                         {"total before the header", "", total},
                         {"total in the body", "HTTP/1.1 200 OK\r\n\r\nabc", total}}) {
    std::atomic<bool> closed{false};
    RawServer server([&bytes = bytes, &closed](RawSocket& socket, int) {
      socket.readMessage();
      socket.send(bytes);
      closed = socket.peerClosed();
    });
    TestClient client;
    HttpTimeouts limits = timeouts;
    if (std::string_view(name).starts_with("total")) limits.total = Deadline::in(60ms);
    const auto start = Clock::now();
    const auto answer = client.fetch(get(server), limits);
    ASSERT_FALSE(answer) << name;
    EXPECT_EQ(answer.error().code, ErrorCode::UpstreamTimeout) << name << answer.error().detail;
    EXPECT_GE(Clock::now() - start, 60ms) << name;
    EXPECT_LT(Clock::now() - start, 5s) << name;
    EXPECT_TRUE(eventually([&] { return closed.load(); }))
        << name << ": the connection is still open";
  }
}

TEST(HttpClient, GivesUpOnAServerThatDoesNotReadTheRequest) {
  std::promise<void> done;
  RawServer server([&done](RawSocket&, int) { done.get_future().wait(); });
  TestClient client;
  HttpTimeouts timeouts;
  timeouts.idle = 100ms;
  const auto answer = client.fetch(post(server, std::string(32 << 20, 'x')), timeouts);
  done.set_value();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::UpstreamTimeout);
}

TEST(HttpClient, GivesUpOnAServerThatDoesNotAccept) {
  // A backlog of one that is full: the kernel drops further SYNs.
  UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&name), size), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
  std::vector<UniqueFd> fillers;
  for (int i = 0; i < 8; ++i) {
    fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(fillers.back().get(), reinterpret_cast<sockaddr*>(&name), size);
  }
  TestClient client;
  HttpTimeouts timeouts;
  timeouts.connect = 100ms;
  const auto answer =
      client.fetch({"GET", Url{false, "127.0.0.1", ntohs(name.sin_port), "/"}, {}, ""}, timeouts);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::UpstreamTimeout);
  EXPECT_TRUE(answer.error().retryable);
}

// A server may refuse a large body after the header and close with most of it unread.
TEST(HttpClient, ReadsAnAnswerThatComesBeforeTheBodyIsSent) {
  RawServer server([](RawSocket& socket, int) {
    socket.readUntil("\r\n\r\n");
    socket.send("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 5\r\n\r\nlarge");
    std::this_thread::sleep_for(50ms);
  });
  TestClient client;
  const auto answer = client.fetch(post(server, std::string(32 << 20, 'x')));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(answer->body, "large");
}

TEST(HttpClient, LimitsWhatIsReadAtOnce) {
  Canned server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'));
  TestClient client;
  const auto task = [](HttpClient& http, HttpRequest request,
                       std::size_t limit) -> net::awaitable<std::string> {
    auto response = co_await http.send(std::move(request), {});
    auto body = co_await readAll(**response, limit);
    co_return body ? *body : std::string(errorEntry(body.error().code).name);
  };
  EXPECT_EQ(client.run(task(client.client(), get(server), 99)), "upstream_invalid_response");
  EXPECT_EQ(client.run(task(client.client(), get(server), 100)), std::string(100, 'x'));
}

}  // namespace
}  // namespace agw::io
