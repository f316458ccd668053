#include "io/http_client.h"

#include "io/io_test_support.h"

namespace agw::io {
namespace {

using namespace test;

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

}  // namespace
}  // namespace agw::io
