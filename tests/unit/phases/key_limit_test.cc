#include "dataplane/phases/key_limit.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/base/limits.h"
#include "dataplane/variables/text_template.h"
#include "tests/support/session_from.h"

namespace sluice::dataplane::test {
namespace {

KeyLimit Limit(std::string_view key, std::uint32_t connections,
               std::shared_ptr<KeySlotTable> slots = std::make_shared<KeySlotTable>()) {
  auto compiled = TextTemplate::Compile(key, TextTemplate::Missing::kEmpty);
  EXPECT_TRUE(compiled) << compiled.error().message;
  return {*compiled, connections, std::move(slots)};
}

// A key whose value has so many bytes for clients on unix sockets, which have no port.
KeyLimit LimitWithValueOf(std::size_t bytes) {
  return Limit(std::string(bytes, 'k') + "$remote_port", 1);
}

TEST(KeyLimit, AdmitsUpToTheLimitRefusesTheNextAndFreesTheSlotAtTheEnd) {
  const auto limit = MakeKeyLimit({Limit("$binary_remote_addr", 2)});
  std::vector<SessionState> sessions;
  for (int i = 0; i < 3; ++i) sessions.push_back(SessionFrom("192.0.2.1"));
  EXPECT_TRUE(Passes(*limit, sessions[0]));
  EXPECT_TRUE(Passes(*limit, sessions[1]));
  EXPECT_EQ(limit->Run(sessions[2], {}).reason(), CloseReason::kKeyLimit);
  EXPECT_EQ(sessions[2].limit_status, LimitStatus::kRejected);
  sessions[0].held.clear();
  EXPECT_TRUE(Passes(*limit, sessions[2]));
  EXPECT_EQ(sessions[2].limit_status, LimitStatus::kPassed);
}

TEST(KeyLimit, CountsEachValueForItself) {
  const auto limit = MakeKeyLimit({Limit("$binary_remote_addr", 1)});
  SessionState one = SessionFrom("192.0.2.1");
  SessionState other = SessionFrom("192.0.2.2");
  SessionState v6 = SessionFrom("2001:db8::1");
  SessionState again = SessionFrom("2001:db8::1");
  EXPECT_TRUE(Passes(*limit, one));
  EXPECT_TRUE(Passes(*limit, other));
  EXPECT_TRUE(Passes(*limit, v6));
  EXPECT_FALSE(Passes(*limit, again));
}

TEST(KeyLimit, ARefusalGivesBackWhatTheOtherLimitsGave) {
  const auto roomy = std::make_shared<KeySlotTable>();
  const auto tight = std::make_shared<KeySlotTable>();
  const auto limit =
      MakeKeyLimit({Limit("$binary_remote_addr", 5, roomy), Limit("$server_addr", 1, tight)});
  SessionState first = SessionFrom("192.0.2.1");
  EXPECT_TRUE(Passes(*limit, first));
  EXPECT_EQ(first.held.size(), 2U);
  SessionState refused = SessionFrom("192.0.2.2");
  EXPECT_FALSE(Passes(*limit, refused));
  EXPECT_TRUE(refused.held.empty());
  EXPECT_EQ(roomy->keys(), 1U);
  first.held.clear();
  EXPECT_EQ(roomy->keys(), 0U);
  EXPECT_EQ(tight->keys(), 0U);
}

TEST(KeyLimit, ARefusalKeepsWhatOtherHandlersGave) {
  class Other final : public SlotToken {};
  const auto limit = MakeKeyLimit({Limit("$remote_addr", 1)});
  SessionState first = SessionFrom("192.0.2.1");
  SessionState refused = SessionFrom("192.0.2.1");
  refused.held.push_back(std::make_unique<Other>());
  EXPECT_TRUE(Passes(*limit, first));
  EXPECT_FALSE(Passes(*limit, refused));
  EXPECT_EQ(refused.held.size(), 1U);
}

TEST(KeyLimit, AnEmptyValueIsNotLimited) {
  const auto limit = MakeKeyLimit({Limit("$remote_port", 1)});
  SessionState first = SessionFrom("unix:");
  SessionState second = SessionFrom("unix:");
  EXPECT_TRUE(Passes(*limit, first));
  EXPECT_TRUE(Passes(*limit, second));
  EXPECT_TRUE(second.held.empty());
  EXPECT_EQ(second.limit_status, LimitStatus::kNone);
}

TEST(KeyLimit, AValueOf255BytesIsLimitedAndOneOf256IsNot) {
  const auto longest = MakeKeyLimit({LimitWithValueOf(limits::kLimitKeyBytes)});
  SessionState first = SessionFrom("unix:");
  SessionState second = SessionFrom("unix:");
  EXPECT_TRUE(Passes(*longest, first));
  EXPECT_FALSE(Passes(*longest, second));

  const auto too_long = MakeKeyLimit({LimitWithValueOf(limits::kLimitKeyBytes + 1)});
  SessionState third = SessionFrom("unix:");
  SessionState fourth = SessionFrom("unix:");
  EXPECT_TRUE(Passes(*too_long, third));
  EXPECT_TRUE(Passes(*too_long, fourth));
}

TEST(KeyLimit, AnUnlimitedValueDoesNotSpareTheSessionTheOtherLimits) {
  const auto limit =
      MakeKeyLimit({LimitWithValueOf(limits::kLimitKeyBytes + 1), Limit("$remote_addr", 1)});
  SessionState first = SessionFrom("unix:");
  SessionState second = SessionFrom("unix:");
  EXPECT_TRUE(Passes(*limit, first));
  EXPECT_FALSE(Passes(*limit, second));
}

TEST(KeyLimit, WithAFullTableANewValueIsRefusedAndAKnownOneIsNot) {
  const auto slots = std::make_shared<KeySlotTable>();
  const auto limit = MakeKeyLimit({Limit("$remote_addr", 2, slots)});
  SessionState known = SessionFrom("192.0.2.1");
  EXPECT_TRUE(Passes(*limit, known));
  for (std::size_t i = 1; i < limits::kLimitKeys; ++i) {
    ASSERT_EQ(slots->Take("filler" + std::to_string(i), 1).outcome, KeySlotTable::Outcome::kTaken);
  }
  SessionState unknown = SessionFrom("192.0.2.2");
  EXPECT_EQ(limit->Run(unknown, {}).reason(), CloseReason::kKeyLimit);
  SessionState known_again = SessionFrom("192.0.2.1");
  EXPECT_TRUE(Passes(*limit, known_again));
  known.held.clear();
  known_again.held.clear();
  EXPECT_TRUE(Passes(*limit, unknown));
}

TEST(KeyLimit, ALimitOfAnotherConfigCountsOnInTheSameTable) {
  const auto slots = std::make_shared<KeySlotTable>();
  SessionState early = SessionFrom("192.0.2.1");
  SessionState late = SessionFrom("192.0.2.1");
  EXPECT_TRUE(Passes(*MakeKeyLimit({Limit("$remote_addr", 9, slots)}), early));
  EXPECT_FALSE(Passes(*MakeKeyLimit({Limit("$remote_addr", 1, slots)}), late));
}

}  // namespace
}  // namespace sluice::dataplane::test
