#include "tests/support/waiting_phases.h"

#include <algorithm>

namespace sluice::dataplane::test {
namespace {

class NewlineHandler final : public PhaseHandler {
 public:
  explicit NewlineHandler(Waits& waits) : waits_(waits) {}
  Verdict Run(SessionState&, const FirstBytes& first) const override {
    ++waits_.asked;
    const auto end = std::find(first.bytes.begin(), first.bytes.end(), '\n');
    if (end != first.bytes.end()) return Verdict::NextHandler();
    return Verdict::NeedBytes(first.bytes.size() + 1);
  }

 private:
  Waits& waits_;
};

class TimerTask final : public PhaseTask, private Timer {
 public:
  TimerTask(Waits& waits, std::chrono::milliseconds delay) : waits_(waits), delay_(delay) {
    ++waits_.tasks;
  }
  ~TimerTask() override { --waits_.tasks; }
  void Start(const Surroundings& surroundings) override {
    waker_ = &surroundings.waker;
    surroundings.loop.timers().Arm(*this, surroundings.loop.now() + delay_);
  }
  Verdict Finish(SessionState&, const FirstBytes&) override { return Verdict::NextHandler(); }

 private:
  void OnTimer() override {
    ++waits_.waited;
    waker_->Wake();
  }

  Waits& waits_;
  const std::chrono::milliseconds delay_;
  PhaseWaker* waker_ = nullptr;
};

class TimerHandler final : public PhaseHandler {
 public:
  TimerHandler(Waits& waits, std::chrono::milliseconds delay) : waits_(waits), delay_(delay) {}
  Verdict Run(SessionState&, const FirstBytes&) const override {
    return Verdict::Wait(std::make_unique<TimerTask>(waits_, delay_));
  }

 private:
  Waits& waits_;
  const std::chrono::milliseconds delay_;
};

}  // namespace

PhaseStep UntilNewline(Waits& waits, std::chrono::milliseconds timeout) {
  return {Phase::kPreread, std::make_unique<NewlineHandler>(waits), timeout};
}

PhaseStep UntilTimer(Waits& waits, std::chrono::milliseconds delay,
                     std::chrono::milliseconds timeout) {
  return {Phase::kPreaccess, std::make_unique<TimerHandler>(waits, delay), timeout};
}

}  // namespace sluice::dataplane::test
