#include "io/tls.h"

#include <csignal>

#include "io/http_client.h"
#include "io/io_test_support.h"
#include "io/temp_dir.h"
#include "io/tls_test_support.h"

namespace agw::io {
namespace {

using namespace test;
using testing::HasSubstr;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

void answerAll(SSL* ssl, int) {
  while (!readHeader(ssl).empty()) sendAll(ssl, kOk);
}

class Tls : public testing::Test {
 protected:
  Tls() : ca_(makeCa()) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's own socket writes in the raw server
  }
  HttpClientOptions trusting() const {
    HttpClientOptions options;
    options.ca_pem = toPem(ca_);
    return options;
  }
  Identity ca_;
};

TEST_F(Tls, TrustsTheRightNameAndTellsTheServerWhatItWants) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RawTlsServer server(makeLeaf(ca_, "DNS:localhost"), answerAll, version);
    {
      TestClient client(trusting());
      for (int i = 0; i < 3; ++i) {
        const auto answer = client.fetch({"GET", server.url(), {}, ""});
        ASSERT_TRUE(answer) << answer.error().detail;
        EXPECT_EQ(answer->body, "ok");
      }
    }
    EXPECT_EQ(server.handshakes(), 1) << "the connection is used again";
    EXPECT_EQ(server.serverName(), "localhost");
    EXPECT_EQ(server.alpn(), "\x08http/1.1");
  }
}

TEST_F(Tls, ChecksAnAddressAgainstTheCertificatesAddresses) {
  RawTlsServer server(makeLeaf(ca_, "IP:127.0.0.1"), answerAll);
  TestClient client(trusting());
  Url url = server.url();
  url.host = "127.0.0.1";
  const auto answer = client.fetch({"GET", url, {}, ""});
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_EQ(server.serverName(), "") << "addresses are not sent as names";
}

TEST_F(Tls, RefusesCertificatesThatDoNotProveTheName) {
  const Identity other_ca = makeCa("other CA");
  struct Case {
    Identity identity;
    std::string host;
    const char* why;
  };
  std::vector<Case> cases;
  cases.push_back({makeLeaf(ca_, "DNS:example.com"), "localhost", "hostname mismatch"});
  cases.push_back({makeLeaf(ca_, "DNS:localhost"), "127.0.0.1", "IP address mismatch"});
  cases.push_back(
      {makeLeaf(other_ca, "DNS:localhost"), "localhost", "unable to get local issuer certificate"});
  cases.push_back({makeCa("self-made"), "localhost", "self-signed certificate"});
  for (const Case& c : cases) {
    RawTlsServer server(c.identity, [](SSL* ssl, int) {
      EXPECT_EQ(readHeader(ssl), "") << "a request was sent to a server that is not trusted";
    });
    TestClient client(trusting());
    Url url = server.url();
    url.host = c.host;
    const auto answer = client.fetch({"GET", url, {{"Authorization", "Bearer secret"}}, ""});
    ASSERT_FALSE(answer) << c.why;
    EXPECT_EQ(answer.error().code, ErrorCode::UpstreamUnreachable);
    EXPECT_THAT(answer.error().detail, HasSubstr(c.why));
  }
}

TEST_F(Tls, TrustsTheSystemsAuthoritiesByDefault) {
  RawTlsServer server(makeLeaf(ca_, "DNS:localhost"), answerAll);
  TestClient client;
  const auto answer = client.fetch({"GET", server.url(), {}, ""});
  ASSERT_FALSE(answer) << "the test's CA is not one of them";
  EXPECT_THAT(answer.error().detail, HasSubstr("unable to get local issuer certificate"));
}

TEST_F(Tls, RefusesOldVersions) {
  RawTlsServer server(makeLeaf(ca_, "DNS:localhost"), answerAll, TLS1_1_VERSION);
  TestClient client(trusting());
  const auto answer = client.fetch({"GET", server.url(), {}, ""});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::UpstreamUnreachable);
}

TEST_F(Tls, ResumesSessions) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RawTlsServer server(makeLeaf(ca_, "DNS:localhost"), answerAll, version);
    HttpClientOptions options = trusting();
    options.max_idle_per_host = 0;  // every request needs a new connection
    TestClient client(options);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(client.fetch({"GET", server.url(), {}, ""}));
    EXPECT_EQ(server.handshakes(), 20);
    EXPECT_EQ(server.resumed(), 19);
  }
}

TEST_F(Tls, EndsASilentHandshakeAtItsDeadline) {
  RawServer silent([](RawSocket& socket, int) { socket.readAll(); });
  TestClient client(trusting());
  HttpTimeouts timeouts;
  timeouts.connect = 100ms;
  const auto start = Clock::now();
  const auto answer =
      client.fetch({"GET", Url{true, "localhost", silent.port(), "/"}, {}, ""}, timeouts);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::UpstreamTimeout);
  EXPECT_THAT(answer.error().detail, HasSubstr("the TLS handshake did not end in time"));
  EXPECT_LT(Clock::now() - start, 5s);
}

TEST_F(Tls, CannotTalkToAPlainServer) {
  RawServer plain([](RawSocket& socket, int) {
    socket.trySend("HTTP/1.1 400 Bad Request\r\n\r\n");
    socket.readAll();
  });
  TestClient client(trusting());
  const auto answer = client.fetch({"GET", Url{true, "localhost", plain.port(), "/"}, {}, ""});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::UpstreamUnreachable);
}

// Without Content-Length and chunks only TLS's own end says that the body is whole.
TEST_F(Tls, TellsAnEndFromACutOfABodyWithoutLength) {
  for (const bool clean : {true, false}) {
    RawTlsServer server(makeLeaf(ca_, "DNS:localhost"), [clean](SSL* ssl, int) {
      readHeader(ssl);
      sendAll(ssl, "HTTP/1.1 200 OK\r\n\r\nbody");
      if (clean) SSL_shutdown(ssl);
    });
    TestClient client(trusting());
    const auto answer = client.fetch({"GET", server.url(), {}, ""});
    EXPECT_EQ(answer.has_value(), clean);
    if (!clean) {
      EXPECT_EQ(answer.error().code, ErrorCode::UpstreamStreamTruncated);
    }
  }
}

TEST_F(Tls, CarriesLargeBodiesBothWays) {
  const std::string large(3 << 20, 'y');
  std::atomic<std::size_t> received{0};
  RawTlsServer server(makeLeaf(ca_, "DNS:localhost"), [&](SSL* ssl, int) {
    std::string request = readHeader(ssl);
    std::size_t body = request.size() - request.find("\r\n\r\n") - 4;
    char buffer[16384];
    while (body < large.size()) {
      const int size = SSL_read(ssl, buffer, sizeof buffer);
      if (size <= 0) return;
      body += static_cast<std::size_t>(size);
    }
    received = body;
    sendAll(ssl, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(large.size()) + "\r\n\r\n");
    sendAll(ssl, large);
    readHeader(ssl);
  });
  TestClient client(trusting());
  const auto answer = client.fetch({"POST", server.url(), {}, large});
  ASSERT_TRUE(answer) << answer.error().detail;
  EXPECT_TRUE(answer->body == large);
  EXPECT_EQ(received, large.size());
}

TEST_F(Tls, RefusesCertificatesThatAreNone) {
  net::io_context context;
  HttpClientOptions options;
  options.ca_pem = "no certificate";
  EXPECT_THROW(makeHttpClient(context, options), std::runtime_error);
}

}  // namespace
}  // namespace agw::io
