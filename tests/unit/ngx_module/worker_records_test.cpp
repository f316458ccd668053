#include "ngx_module/worker_records.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <set>

namespace agw {
namespace {

// A literal line of proc(5), with the start time in field 22.
std::string statLine(const std::string& command, const std::string& start_time) {
  return "4242 (" + command + ") S 1 4242 4242 0 -1 4194560 2017 0 0 0 3 1 0 0 20 0 1 0 " +
         start_time + " 12345678 1024 18446744073709551615 1 1 0 0 0 0 0 4096 81920 0 0 0 17 3\n";
}

std::uint32_t ownPid() { return static_cast<std::uint32_t>(::getpid()); }

TEST(StartTime, IsField22WhateverTheCommandIsCalled) {
  for (const auto* command : {"nginx", "a b c", ")", "(", ") S 1 2 3 (", "x) R 1 1 1", "", " ",
                              ") 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22"}) {
    EXPECT_EQ(parseStartTime(statLine(command, "987654")), 987654U) << command;
  }
  EXPECT_EQ(parseStartTime(statLine("nginx", "18446744073709551615")), UINT64_MAX);
}

TEST(StartTime, IsNotKnownFromGarbage) {
  const std::string good = statLine("nginx", "987654");
  for (const std::string& bad :
       {std::string(), std::string("4242 nginx S 1 2 3"), std::string(")"), std::string("1 (x)"),
        std::string("1 (x) S 1 2 3"), std::string(2000, ' '), ")" + std::string(2000, ' '),
        statLine("nginx", "0"), statLine("nginx", "-5"), statLine("nginx", "x"),
        statLine("nginx", "18446744073709551616"), good.substr(0, good.find(" 987654"))}) {
    EXPECT_EQ(parseStartTime(bad), std::nullopt) << bad;
  }
}

TEST(StartTime, OfALivingProcessCanBeRead) {
  EXPECT_NE(startTimeOf(ownPid()), 0U);
  EXPECT_EQ(startTimeOf(ownPid()), startTimeOf(ownPid()));
  EXPECT_EQ(startTimeOf(0xFFFFFFFF), 0U);
}

TEST(IsGone, OnlyOfAProcessThatIsCertainlyGone) {
  const std::uint64_t started = startTimeOf(ownPid());
  EXPECT_FALSE(isGone(ownPid(), started));
  EXPECT_TRUE(isGone(ownPid(), started + 1)) << "the number was given to another process";
  EXPECT_FALSE(isGone(ownPid(), 0)) << "not known when it started";
  EXPECT_FALSE(isGone(1, 0)) << "somebody else's";
}

TEST(IsGone, OfAChildOnceItIsReaped) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  const auto pid = static_cast<std::uint32_t>(child);
  const std::uint64_t started = startTimeOf(pid);
  EXPECT_NE(started, 0U);
  EXPECT_FALSE(isGone(pid, started));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(isGone(pid, started));
  EXPECT_TRUE(isGone(pid, 0));
}

class WorkerRecordsTest : public ::testing::Test {
 protected:
  std::uint64_t total(Counter counter) const {
    return records_->totals()[static_cast<std::size_t>(counter)];
  }
  // As EdgeMemory makes it: zeroed.
  std::unique_ptr<WorkerRecords> records_ = std::make_unique<WorkerRecords>();
};

TEST_F(WorkerRecordsTest, EveryCounterHasAPlaceOfItsOwn) {
  std::set<Counter> limits;
  for (const Counter base : {Counter::Limited, Counter::DryRun}) {
    for (const LimitPer per : {LimitPer::Key, LimitPer::User, LimitPer::Agent}) {
      for (const LimitKind kind : {LimitKind::Requests, LimitKind::Tokens, LimitKind::Streams}) {
        const Counter counter = limitCounter(base, per, kind);
        EXPECT_TRUE(limits.insert(counter).second);
        EXPECT_GE(counter, Counter::Limited);
        EXPECT_LT(counter, Counter::Count);
      }
    }
  }
  EXPECT_EQ(limits.size(), 18U);
}

TEST_F(WorkerRecordsTest, ARecordSaysWhoItIs) {
  const auto index = records_->claim(100, 555);
  ASSERT_TRUE(index);
  EXPECT_EQ((*records_)[*index].pid, 100U);
  EXPECT_EQ((*records_)[*index].start_time, 555U);
  EXPECT_EQ(records_->alive(), 1U);
  records_->release(*index);
  EXPECT_EQ((*records_)[*index].pid, 0U);
  EXPECT_EQ(records_->alive(), 0U);
}

TEST_F(WorkerRecordsTest, TotalsAreOfTheLivingAndTheGone) {
  const auto first = records_->claim(100, 1);
  const auto second = records_->claim(200, 2);
  (*records_)[*first].add(Counter::Responses2xx);
  (*records_)[*first].add(Counter::Responses2xx);
  (*records_)[*second].add(Counter::Responses2xx, 40);
  (*records_)[*second].add(limitCounter(Counter::DryRun, LimitPer::Agent, LimitKind::Streams), 3);
  EXPECT_EQ(total(Counter::Responses2xx), 42U);
  records_->release(*first);
  EXPECT_EQ(total(Counter::Responses2xx), 42U);
  records_->release(*second);
  EXPECT_EQ(total(Counter::Responses2xx), 42U);
  EXPECT_EQ(total(limitCounter(Counter::DryRun, LimitPer::Agent, LimitKind::Streams)), 3U);
  EXPECT_EQ(total(Counter::Responses4xx), 0U);
}

TEST_F(WorkerRecordsTest, ARecordIsEmptyWhenItIsUsedAgain) {
  const auto first = records_->claim(100, 1);
  (*records_)[*first].add(Counter::KeyUnknown, 9);
  records_->release(*first);
  const auto again = records_->claim(200, 2);
  EXPECT_EQ(again, first);
  EXPECT_EQ(total(Counter::KeyUnknown), 9U);
  records_->release(*again);
  EXPECT_EQ(total(Counter::KeyUnknown), 9U);
}

TEST_F(WorkerRecordsTest, ChatsOfAProcessThatIsGoneHaveEnded) {
  const auto killed = records_->claim(100, 1);
  const auto alive = records_->claim(200, 2);
  (*records_)[*killed].add(Counter::ChatsBegun, 10);
  (*records_)[*killed].add(Counter::ChatsEnded, 4);
  (*records_)[*alive].add(Counter::ChatsBegun, 7);
  (*records_)[*alive].add(Counter::ChatsEnded, 5);
  EXPECT_EQ(total(Counter::ChatsBegun) - total(Counter::ChatsEnded), 8U);
  records_->release(*killed);
  EXPECT_EQ(total(Counter::ChatsBegun), 17U);
  EXPECT_EQ(total(Counter::ChatsBegun) - total(Counter::ChatsEnded), 2U);
}

TEST_F(WorkerRecordsTest, AreAllInUseAt256) {
  std::set<std::uint32_t> indexes;
  for (std::uint32_t pid = 1; pid <= WorkerRecords::kMax; ++pid) {
    const auto index = records_->claim(pid, pid);
    ASSERT_TRUE(index);
    EXPECT_TRUE(indexes.insert(*index).second);
  }
  EXPECT_EQ(*indexes.rbegin(), WorkerRecords::kMax - 1);
  EXPECT_EQ(records_->alive(), WorkerRecords::kMax);
  EXPECT_EQ(records_->claim(1000, 1), std::nullopt);
  records_->release(77);
  EXPECT_EQ(records_->claim(1000, 1), 77U);
  EXPECT_EQ(records_->claim(1001, 1), std::nullopt);
}

}  // namespace
}  // namespace agw
