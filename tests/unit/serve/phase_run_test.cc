#include "dataplane/serve/phase_run.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/config/runtime_config.h"

namespace sluice::dataplane {
namespace {

using State = PhaseRun::State;

class Answers final : public PhaseHandler {
 public:
  using Answer = std::function<Verdict(const FirstBytes&)>;
  explicit Answers(Answer answer) : answer_(std::move(answer)) {}
  Verdict Run(SessionState&, const FirstBytes& first) const override { return answer_(first); }

 private:
  const Answer answer_;
};

class AnswersLater final : public PhaseTask {
 public:
  explicit AnswersLater(std::function<Verdict()> answer) : answer_(std::move(answer)) {}
  void Start(const Surroundings&) override {}
  Verdict Finish(SessionState&, const FirstBytes&) override { return answer_(); }

 private:
  const std::function<Verdict()> answer_;
};

class PhaseRunTest : public ::testing::Test {
 protected:
  void Add(Phase phase, std::string name, Answers::Answer answer) {
    chain_.push_back({phase, std::make_unique<Answers>([=, this](const FirstBytes& first) {
                        asked_ += name;
                        return answer(first);
                      })});
  }
  State Continue(std::string_view first = {}, bool complete = false) {
    return run_.Continue(chain_, session_, {.bytes = first, .datagrams = {}, .complete = complete});
  }
  PhaseChain chain_;
  PhaseRun run_;
  SessionState session_;
  std::string asked_;
};

Verdict NextHandler(const FirstBytes&) { return Verdict::NextHandler(); }
Verdict NextPhase(const FirstBytes&) { return Verdict::NextPhase(); }
Verdict Denies(const FirstBytes&) { return Verdict::Close(CloseReason::kAccessDenied); }
// Passes when a line has been sent.
Verdict NeedsLine(const FirstBytes& first) {
  for (const char c : first.bytes) {
    if (c == '\n') return Verdict::NextHandler();
  }
  return Verdict::NeedBytes(first.bytes.size() + 1);
}

TEST_F(PhaseRunTest, AsksAllHandlersInOrder) {
  Add(Phase::kPreaccess, "a", NextHandler);
  Add(Phase::kAccess, "b", NextHandler);
  Add(Phase::kContent, "c", NextPhase);
  EXPECT_EQ(Continue(), State::kPassed);
  EXPECT_EQ(asked_, "abc");
}

TEST_F(PhaseRunTest, AHandlerThatClosesIsTheLastThatIsAsked) {
  Add(Phase::kPreaccess, "a", NextHandler);
  Add(Phase::kAccess, "b", Denies);
  Add(Phase::kContent, "c", NextPhase);
  EXPECT_EQ(Continue(), State::kClosed);
  EXPECT_EQ(run_.reason(), CloseReason::kAccessDenied);
  EXPECT_EQ(asked_, "ab");
}

TEST_F(PhaseRunTest, ThePhaseThatWaitsOrClosesIsKnown) {
  Add(Phase::kAccess, "a", NeedsLine);
  Add(Phase::kContent, "b", NextPhase);
  EXPECT_EQ(Continue(), State::kNeedsBytes);
  EXPECT_EQ(session_.phase, Phase::kAccess);
  EXPECT_EQ(Continue("line\n"), State::kPassed);
  EXPECT_EQ(session_.phase, std::nullopt);
}

TEST_F(PhaseRunTest, NextPhaseSkipsTheOtherHandlersOfThatPhaseOnly) {
  Add(Phase::kAccess, "a", NextPhase);
  Add(Phase::kAccess, "b", Denies);
  Add(Phase::kAccess, "c", Denies);
  Add(Phase::kContent, "d", NextHandler);
  EXPECT_EQ(Continue(), State::kPassed);
  EXPECT_EQ(asked_, "ad");
}

TEST_F(PhaseRunTest, AHandlerThatNeedsBytesIsAskedAgainWithThemAndThenTheNextOne) {
  Add(Phase::kPreread, "a", NeedsLine);
  Add(Phase::kContent, "b", NextPhase);
  EXPECT_EQ(Continue(), State::kNeedsBytes);
  EXPECT_EQ(run_.needed(), 1U);
  EXPECT_EQ(Continue("hel"), State::kNeedsBytes);
  EXPECT_EQ(run_.needed(), 4U);
  EXPECT_EQ(Continue("hello\n"), State::kPassed);
  EXPECT_EQ(asked_, "aaab");
}

TEST_F(PhaseRunTest, AHandlerThatAsksForLessThanItHasSeenCannotMakeASessionSpin) {
  Add(Phase::kPreread, "a", [](const FirstBytes&) { return Verdict::NeedBytes(1); });
  EXPECT_EQ(Continue("abc"), State::kNeedsBytes);
  EXPECT_EQ(run_.needed(), 4U);
}

TEST_F(PhaseRunTest, AClientThatEndsBeforeItHasSentWhatIsNeededIsClosed) {
  Add(Phase::kPreread, "a", NeedsLine);
  EXPECT_EQ(Continue("hel", true), State::kClosed);
  EXPECT_EQ(run_.reason(), CloseReason::kClientAborted);
}

TEST_F(PhaseRunTest, AClientThatHasSentAsMuchAsMayBeLookedAtIsClosed) {
  Add(Phase::kPreread, "a", NeedsLine);
  EXPECT_EQ(Continue(std::string(limits::kFirstBytes - 1, 'x')), State::kNeedsBytes);
  EXPECT_EQ(run_.needed(), limits::kFirstBytes);
  EXPECT_EQ(Continue(std::string(limits::kFirstBytes, 'x')), State::kClosed);
  EXPECT_EQ(run_.reason(), CloseReason::kPrereadFull);
}

TEST_F(PhaseRunTest, ATaskThatHasBeenWaitedForAnswersForItsHandler) {
  Add(Phase::kPreread, "a", [](const FirstBytes&) {
    return Verdict::Wait(std::make_unique<AnswersLater>(Verdict::NextPhase));
  });
  Add(Phase::kPreread, "b", Denies);
  Add(Phase::kContent, "c", NextPhase);
  EXPECT_EQ(Continue(), State::kWaits);
  EXPECT_EQ(asked_, "a");
  EXPECT_EQ(run_.Finish(chain_, session_, {}), State::kPassed);
  EXPECT_EQ(asked_, "ac");
}

TEST_F(PhaseRunTest, ATaskMayAskForAnotherTaskOrForBytes) {
  Add(Phase::kPreread, "a", [](const FirstBytes& first) {
    if (!first.bytes.empty()) return Verdict::NextHandler();
    return Verdict::Wait(std::make_unique<AnswersLater>([] {
      return Verdict::Wait(std::make_unique<AnswersLater>([] { return Verdict::NeedBytes(1); }));
    }));
  });
  EXPECT_EQ(Continue(), State::kWaits);
  EXPECT_EQ(run_.Finish(chain_, session_, {}), State::kWaits);
  EXPECT_EQ(run_.Finish(chain_, session_, {}), State::kNeedsBytes);
  EXPECT_EQ(Continue("x"), State::kPassed);
}

TEST_F(PhaseRunTest, TheDeadlineIsThatOfTheStepHoweverOftenItAsks) {
  Add(Phase::kPreread, "a", NeedsLine);
  Add(Phase::kPreread, "b", [](const FirstBytes& first) {
    return first.bytes.size() < 10 ? Verdict::NeedBytes(10) : Verdict::NextHandler();
  });
  chain_[0].timeout = std::chrono::seconds(5);
  chain_[1].timeout = std::chrono::seconds(7);
  const MonotonicTime start{std::chrono::hours(1)};
  Continue();
  EXPECT_EQ(run_.Deadline(chain_, start), start + std::chrono::seconds(5));
  Continue("abc");
  EXPECT_EQ(run_.Deadline(chain_, start + std::chrono::seconds(3)),
            start + std::chrono::seconds(5));
  Continue("abc\n");
  EXPECT_EQ(run_.Deadline(chain_, start + std::chrono::seconds(4)),
            start + std::chrono::seconds(11));
}

TEST_F(PhaseRunTest, AHandlerThatThrowsClosesItsSessionOnly) {
  Add(Phase::kPreread, "a",
      [](const FirstBytes&) -> Verdict { throw std::runtime_error("of a library"); });
  auto listener = std::make_shared<ListenerConfig>();
  listener->shared = std::make_shared<ListenerShared>("default/front", 1);
  session_.listener = listener;
  EXPECT_EQ(Continue(), State::kClosed);
  EXPECT_EQ(run_.reason(), CloseReason::kInternalError);
}

}  // namespace
}  // namespace sluice::dataplane
