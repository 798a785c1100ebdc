#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "dataplane/config/phase_handler.h"

namespace sluice::dataplane {
namespace {

// Answers always the same and leaves its name in `asked`.
class Answers final : public PhaseHandler {
 public:
  Answers(std::string name, Verdict verdict, std::string& asked)
      : name_(std::move(name)), verdict_(verdict), asked_(asked) {}
  Verdict Run(SessionState&) const override {
    asked_ += name_;
    return verdict_;
  }

 private:
  const std::string name_;
  const Verdict verdict_;
  std::string& asked_;
};

class PhaseChainTest : public ::testing::Test {
 protected:
  void Add(Phase phase, std::string name, Verdict verdict) {
    steps_.push_back({phase, std::make_unique<Answers>(std::move(name), verdict, asked_)});
  }
  CloseReason Run() {
    SessionState session;
    std::size_t next = 0;
    return PhaseChain(std::move(steps_)).Run(session, next);
  }
  std::vector<PhaseStep> steps_;
  std::string asked_;
};

TEST_F(PhaseChainTest, AsksAllHandlersInOrder) {
  Add(Phase::kPreaccess, "a", Verdict::NextHandler());
  Add(Phase::kAccess, "b", Verdict::NextHandler());
  Add(Phase::kContent, "c", Verdict::NextPhase());
  EXPECT_EQ(Run(), CloseReason::kOpen);
  EXPECT_EQ(asked_, "abc");
}

TEST_F(PhaseChainTest, AHandlerThatClosesIsTheLastThatIsAsked) {
  Add(Phase::kPreaccess, "a", Verdict::NextHandler());
  Add(Phase::kAccess, "b", Verdict::Close(CloseReason::kAccessDenied));
  Add(Phase::kContent, "c", Verdict::NextPhase());
  EXPECT_EQ(Run(), CloseReason::kAccessDenied);
  EXPECT_EQ(asked_, "ab");
}

TEST_F(PhaseChainTest, NextPhaseSkipsTheOtherHandlersOfThatPhaseOnly) {
  Add(Phase::kAccess, "a", Verdict::NextPhase());
  Add(Phase::kAccess, "b", Verdict::Close(CloseReason::kAccessDenied));
  Add(Phase::kAccess, "c", Verdict::Close(CloseReason::kAccessDenied));
  Add(Phase::kContent, "d", Verdict::NextHandler());
  EXPECT_EQ(Run(), CloseReason::kOpen);
  EXPECT_EQ(asked_, "ad");
}

TEST_F(PhaseChainTest, GoesOnWhereItIsTold) {
  Add(Phase::kPreaccess, "a", Verdict::Close(CloseReason::kConnectionLimit));
  Add(Phase::kAccess, "b", Verdict::NextHandler());
  SessionState session;
  std::size_t next = 1;
  EXPECT_EQ(PhaseChain(std::move(steps_)).Run(session, next), CloseReason::kOpen);
  EXPECT_EQ(asked_, "b");
  EXPECT_EQ(next, 2U);
}

}  // namespace
}  // namespace sluice::dataplane
