// Answers that are broken, cut or late, and servers that cannot be reached.
#include <netinet/in.h>
#include <sys/socket.h>

#include "io/http_client.h"
#include "io/io_test_support.h"

namespace agw::io {
namespace {

using namespace test;

HttpRequest get(const RawServer& server) { return {"GET", server.url(), {}, ""}; }

TEST(HttpClientFailure, TellsABrokenAnswerFromATruncatedOne) {
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

TEST(HttpClientFailure, TellsAResetInEachPhase) {
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

TEST(HttpClientFailure, KeepsFailing) {
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

TEST(HttpClientFailure, CannotReachAClosedPort) {
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

TEST(HttpClientFailure, EndsEachPhaseAtItsDeadline) {
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

TEST(HttpClientFailure, GivesUpOnAServerThatDoesNotReadTheRequest) {
  std::promise<void> done;
  RawServer server([&done](RawSocket&, int) { done.get_future().wait(); });
  TestClient client;
  HttpTimeouts timeouts;
  timeouts.idle = 100ms;
  const auto answer =
      client.fetch({"POST", server.url(), {}, std::string(32 << 20, 'x')}, timeouts);
  done.set_value();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::UpstreamTimeout);
}

TEST(HttpClientFailure, GivesUpOnAServerThatDoesNotAccept) {
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
    const int connected = ::connect(fillers.back().get(), reinterpret_cast<sockaddr*>(&name), size);
    EXPECT_TRUE(connected == 0 || errno == EINPROGRESS || errno == EAGAIN) << errno;
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

}  // namespace
}  // namespace agw::io
