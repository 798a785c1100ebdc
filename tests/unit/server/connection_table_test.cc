// Who gets in, who makes room, and who is forgotten.
#include "controlplane/server/connection_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace sluice::controlplane {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Answer = ConnectionTable::Answer;

class ConnectionTableTest : public testing::Test {
 protected:
  ConnectionTable::Arrival Arrive(int fd, const std::string& peer, bool descriptors_left = true) {
    return table_.Arrive(fd, peer, descriptors_left, now_);
  }
  // Takes it and lets it speak.
  void Speaks(int fd, const std::string& peer) {
    ASSERT_EQ(Arrive(fd, peer).answer, Answer::kTaken);
    table_.Spoke(fd);
  }
  int GivesWay(const ConnectionTable::Arrival& arrival) {
    return arrival.gives_way ? arrival.gives_way->fd : -1;
  }

  ConnectionTable table_{{.open = 4, .open_a_peer = 3, .silent_time = seconds(10)}};
  MonotonicTime now_{};
};

TEST_F(ConnectionTableTest, APeerGetsItsShareAndOthersTheRest) {
  for (const int fd : {1, 2, 3}) Speaks(fd, "a");
  EXPECT_EQ(Arrive(4, "a").answer, Answer::kPeerIsFull);
  Speaks(5, "b");
  EXPECT_EQ(Arrive(6, "b").answer, Answer::kFull);
  EXPECT_EQ(Arrive(7, "c").answer, Answer::kFull);
  EXPECT_EQ(table_.open(), 4U);
}

TEST_F(ConnectionTableTest, ThereIsRoomAgainWhenOneHasLeft) {
  for (const int fd : {1, 2, 3}) Speaks(fd, "a");
  table_.Left(2);
  EXPECT_EQ(Arrive(4, "a").answer, Answer::kTaken);
  EXPECT_EQ(Arrive(5, "b").answer, Answer::kTaken);
}

TEST_F(ConnectionTableTest, ThePeersOwnOldestSilentOneMakesRoomForIt) {
  Arrive(1, "b");
  for (const int fd : {2, 3, 4}) Arrive(fd, "a");
  table_.Spoke(2);
  const auto arrival = Arrive(5, "a");
  EXPECT_EQ(arrival.answer, Answer::kTaken);
  EXPECT_EQ(GivesWay(arrival), 3);
  EXPECT_EQ(arrival.gives_way->peer, "a");
  EXPECT_EQ(table_.open(), 4U);
}

TEST_F(ConnectionTableTest, WhenAllIsTakenTheOldestSilentOneMakesRoom) {
  Speaks(1, "a");
  Arrive(2, "a");
  Arrive(3, "a");
  Speaks(4, "b");
  EXPECT_EQ(GivesWay(Arrive(5, "c")), 2);
  EXPECT_EQ(GivesWay(Arrive(6, "c")), 3);
  EXPECT_EQ(GivesWay(Arrive(7, "c")), 5);
  EXPECT_EQ(table_.silent(), 2U);
}

TEST_F(ConnectionTableTest, TheLastDescriptorsAreForSilentOnesToGiveBack) {
  Speaks(1, "a");
  EXPECT_EQ(Arrive(2, "b", /*descriptors_left=*/false).answer, Answer::kFull);
  Arrive(3, "a");
  const auto arrival = Arrive(2, "b", /*descriptors_left=*/false);
  EXPECT_EQ(arrival.answer, Answer::kTaken);
  EXPECT_EQ(GivesWay(arrival), 3);
}

TEST_F(ConnectionTableTest, WhoSaysNothingIsTakenOutInTime) {
  Arrive(1, "a");
  now_ += seconds(4);
  Arrive(2, "a");
  Speaks(3, "a");
  EXPECT_EQ(table_.NextDeadline(), MonotonicTime{} + seconds(10));
  EXPECT_THAT(table_.TakeOverdue(MonotonicTime{} + seconds(9)), IsEmpty());
  const auto overdue = table_.TakeOverdue(MonotonicTime{} + seconds(10));
  ASSERT_EQ(overdue.size(), 1U);
  EXPECT_EQ(overdue[0].fd, 1);
  EXPECT_EQ(overdue[0].peer, "a");
  EXPECT_THAT(table_.Silent(), ElementsAre(2));
  table_.TakeOverdue(MonotonicTime{} + seconds(14));
  EXPECT_EQ(table_.NextDeadline(), std::nullopt);
  EXPECT_EQ(table_.open(), 1U) << "what has spoken stays";
}

TEST_F(ConnectionTableTest, ANumberThatTheKernelGivesOutAgainIsAnotherConnection) {
  for (const int fd : {1, 2, 3}) Speaks(fd, "a");
  EXPECT_EQ(Arrive(3, "b").answer, Answer::kTaken);
  EXPECT_EQ(table_.PeerOf(3), "b");
  EXPECT_TRUE(table_.IsSilent(3));
  EXPECT_EQ(Arrive(4, "a").answer, Answer::kTaken) << "the share of the peer that left";
}

}  // namespace
}  // namespace sluice::controlplane
