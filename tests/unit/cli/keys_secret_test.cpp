// A generator that fails is put in place of OpenSSL's; the way to do that is an old one.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <stdexcept>
#include <string>

#include "cli/key_secret.h"
#include "io/unique_fd.h"

namespace agw::cli {
namespace {

using std::chrono::milliseconds;

struct Pipe {
  Pipe() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    reader = io::UniqueFd(fds[0]);
    writer = io::UniqueFd(fds[1]);
  }
  io::UniqueFd reader;
  io::UniqueFd writer;
};

class FailingRandom {
 public:
  FailingRandom() : before_(RAND_get_rand_method()) {
    method_.bytes = [](unsigned char*, int) { return 0; };
    method_.status = [] { return 1; };
    EXPECT_EQ(RAND_set_rand_method(&method_), 1);
  }
  ~FailingRandom() { RAND_set_rand_method(before_); }
  FailingRandom(const FailingRandom&) = delete;
  FailingRandom& operator=(const FailingRandom&) = delete;

 private:
  const RAND_METHOD* before_;
  RAND_METHOD method_{};
};

TEST(KeySecret, HasThePrefixAnd43CharactersOfBase64Url) {
  std::set<char> seen;
  for (int i = 0; i < 200; ++i) {
    const KeySecret secret;
    ASSERT_EQ(secret.text().size(), 47U);
    ASSERT_TRUE(secret.text().starts_with("agk_"));
    for (const char c : secret.text().substr(4)) seen.insert(c);
    EXPECT_EQ(secret.line(), std::string(secret.text()) + "\n");
    EXPECT_EQ(secret.hash(), hashKeySecret(secret.text()));
  }
  // 8600 characters hold each of the 64, with a chance of 1 in 10^56 to miss one.
  const std::string all = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";
  EXPECT_EQ(std::string(seen.begin(), seen.end()), all);
}

TEST(KeySecret, IsAnotherOneEachTime) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) seen.emplace(KeySecret().text());
  EXPECT_EQ(seen.size(), 100U);
}

TEST(KeySecret, IsNotMadeWithoutRandomBytes) {
  {
    const FailingRandom failing;
    EXPECT_THROW(KeySecret(), std::runtime_error);
  }
  EXPECT_NO_THROW(KeySecret());
}

TEST(KeySecret, IsWipedWhenItGoes) {
  alignas(KeySecret) unsigned char memory[sizeof(KeySecret)];
  auto* secret = new (memory) KeySecret();
  ASSERT_EQ(std::string(memory, memory + 4), "agk_");
  secret->~KeySecret();
  // Through a volatile pointer: the bytes outlive the object only for this look at them.
  const volatile unsigned char* after = memory;
  for (std::size_t i = 0; i < 48; ++i) EXPECT_EQ(after[i], 0) << i;
}

TEST(WriteSecret, WritesOneLine) {
  const Pipe pipe;
  const KeySecret secret;
  EXPECT_EQ(writeSecret(pipe.writer.get(), secret, milliseconds(1000)), "");
  char got[100];
  ASSERT_EQ(::read(pipe.reader.get(), got, sizeof got), 48);
  EXPECT_EQ(std::string(got, 48), secret.line());
}

TEST(WriteSecret, SaysThatTheReaderHasGone) {
  Pipe pipe;
  pipe.reader = io::UniqueFd();
  auto* const before = std::signal(SIGPIPE, SIG_IGN);
  EXPECT_EQ(writeSecret(pipe.writer.get(), KeySecret(), milliseconds(1000)),
            "the secret cannot be written: Broken pipe");
  std::signal(SIGPIPE, before);
}

TEST(WriteSecret, DoesNotWaitForeverForAReader) {
  const Pipe pipe;
  ASSERT_EQ(::fcntl(pipe.writer.get(), F_SETFL, O_NONBLOCK), 0);
  const std::string filling(4096, 'x');
  while (::write(pipe.writer.get(), filling.data(), filling.size()) > 0) {
  }
  EXPECT_EQ(writeSecret(pipe.writer.get(), KeySecret(), milliseconds(30)),
            "the secret cannot be written: nobody reads standard output");
}

TEST(WriteSecret, SaysThatThereIsNoDescriptor) {
  EXPECT_EQ(writeSecret(-1, KeySecret(), milliseconds(30)),
            "the secret cannot be written: nobody reads standard output");
  const io::UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(writeSecret(full.get(), KeySecret(), milliseconds(1000)),
            "the secret cannot be written: No space left on device");
}

}  // namespace
}  // namespace agw::cli
