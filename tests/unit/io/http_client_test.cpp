#include "io/http_client.h"

#include "io/io_test_support.h"

namespace agw::io {
namespace {

using namespace test;

HttpRequest get(const RawServer& server) { return {"GET", server.url(), {}, ""}; }
HttpRequest post(const RawServer& server, std::string body) {
  return {"POST", server.url(), {}, std::move(body)};
}

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

// A server may refuse a large body after the header and close with most of it unread.
TEST(HttpClient, ReadsAnAnswerThatComesBeforeTheBodyIsSent) {
  RawServer server([](RawSocket& socket, int) {
    socket.readUntil("\r\n\r\n");
    socket.send("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 5\r\n\r\nlarge");
    std::this_thread::sleep_for(50ms);  // the reset of the close would overtake the answer
  });
  TestClient client;
  const auto answer = client.fetch(post(server, std::string(32 << 20, 'x')));
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(answer->status, 413);
  EXPECT_EQ(answer->body, "large");
}

TEST(HttpClient, LimitsWhatIsReadAtOnce) {
  // The server closes after each answer and says so: the second request finds no connection to
  // reuse.
  Canned server("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\n" +
                std::string(100, 'x'));
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
