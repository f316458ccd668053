#include "io/name_resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "name_server.h"

namespace agw::io {
namespace {

std::future<ResolvedName> ask(NameResolver& resolver, const std::string& host) {
  auto promise = std::make_shared<std::promise<ResolvedName>>();
  auto future = promise->get_future();
  resolver.start(host, [promise](const ResolvedName& found) { promise->set_value(found); });
  return future;
}

TEST(NameResolver, LooksNamesUp) {
  const auto server = std::make_shared<test::NameServer>();
  NameResolver resolver(server->lookup());
  EXPECT_EQ(ask(resolver, "one.test").get().addresses.at(0).to_string(), "127.0.0.1");
  server->answer("none.test", {boost::asio::error::host_not_found, {}});
  EXPECT_EQ(ask(resolver, "none.test").get().error, boost::asio::error::host_not_found);
}

TEST(NameResolver, ANameThatHangsHoldsNoOtherUp) {
  const auto server = std::make_shared<test::NameServer>();
  NameResolver resolver(server->lookup());
  server->hang("slow.test");
  auto slow = ask(resolver, "slow.test");
  server->waitForAsked("slow.test", 1);
  for (int i = 0; i < 20; ++i) ask(resolver, "quick" + std::to_string(i) + ".test").get();
  server->release("slow.test");
  EXPECT_FALSE(slow.get().error);
}

TEST(NameResolver, ManyWhoAskForTheSameNameTakeOneThread) {
  const auto server = std::make_shared<test::NameServer>();
  NameResolver resolver(server->lookup());
  server->hang("slow.test");
  std::vector<std::future<ResolvedName>> all;
  for (int i = 0; i < 100; ++i) all.push_back(ask(resolver, "slow.test"));
  ask(resolver, "quick.test").get();
  server->release("slow.test");
  for (auto& one : all) EXPECT_EQ(one.get().addresses.size(), 1U);
  EXPECT_EQ(server->asked("slow.test"), 1);
}

TEST(NameResolver, HasSoManyThreadsAndTheRestWait) {
  const auto server = std::make_shared<test::NameServer>();
  NameResolver resolver(server->lookup());
  std::vector<std::future<ResolvedName>> all;
  constexpr std::size_t kNames = NameResolver::kMostThreads + 3;
  for (std::size_t i = 0; i < kNames; ++i) server->hang("slow" + std::to_string(i));
  for (std::size_t i = 0; i < kNames; ++i) {
    all.push_back(ask(resolver, "slow" + std::to_string(i)));
  }
  server->waitForInside(NameResolver::kMostThreads);
  for (std::size_t i = 0; i < kNames; ++i) server->release("slow" + std::to_string(i));
  for (auto& one : all) EXPECT_FALSE(one.get().error);
  EXPECT_EQ(server->mostInside(), NameResolver::kMostThreads);
}

TEST(NameResolver, DoesNotWaitForALookupWhenItGoes) {
  const auto server = std::make_shared<test::NameServer>();
  server->hang("slow.test");
  bool is_told = false;
  {
    NameResolver resolver(server->lookup());
    resolver.start("slow.test", [&is_told](const ResolvedName&) { is_told = true; });
    server->waitForAsked("slow.test", 1);
  }
  server->release("slow.test");
  server->waitForInside(0);
  EXPECT_FALSE(is_told);
}

TEST(AskSystem, KnowsThisMachine) {
  const ResolvedName found = askSystem("localhost");
  ASSERT_FALSE(found.error) << found.error.message();
  EXPECT_TRUE(found.addresses.at(0).is_loopback());
}

}  // namespace
}  // namespace agw::io
