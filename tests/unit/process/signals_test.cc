// In children of the test: signals are a process's.
#include "common/process/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>

namespace sluice {
namespace {

using std::chrono::milliseconds;

// Sends itself `signals`, and then hangs.
[[noreturn]] void HangAfter(std::initializer_list<int> signals, milliseconds stop_within) {
  HoldSignals();
  const SignalThread thread({.stop = [stop_within] { return stop_within; },
                             .reload = [] { ::_exit(20); },
                             .reopen_logs = [] { ::_exit(21); }});
  for (const int signal : signals) ::kill(::getpid(), signal);
  for (;;) ::pause();
}

class Signals : public testing::Test {
 protected:
  Signals() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(Signals, HangUpReloadsAndUsr1ReopensLogs) {
  EXPECT_EXIT(HangAfter({SIGHUP}, milliseconds(0)), testing::ExitedWithCode(20), "");
  EXPECT_EXIT(HangAfter({SIGUSR2, SIGUSR1}, milliseconds(0)), testing::ExitedWithCode(21), "");
}

TEST_F(Signals, AStopThatHangsIsEndedInTime) {
  EXPECT_EXIT(HangAfter({SIGQUIT}, milliseconds(10)), testing::ExitedWithCode(1),
              "event=stop_overdue");
}

TEST_F(Signals, AStopThatHangsAfterTheThreadHasGoneIsEndedToo) {
  EXPECT_EXIT(
      {
        HoldSignals();
        std::promise<void> stopping;
        {
          const SignalThread thread({.stop =
                                         [&stopping] {
                                           stopping.set_value();
                                           return milliseconds(900);
                                         },
                                     .reload = [] {},
                                     .reopen_logs = [] {}});
          ::kill(::getpid(), SIGTERM);
          stopping.get_future().wait();
        }
        for (;;) ::pause();
      },
      testing::KilledBySignal(SIGALRM), "");
}

TEST_F(Signals, ASecondStopEndsWhateverHangs) {
  EXPECT_EXIT(HangAfter({SIGTERM, SIGQUIT}, std::chrono::hours(1)),
              testing::ExitedWithCode(128 + SIGTERM), "event=ended_at_once");
}

TEST_F(Signals, WhatComesBeforeTheThreadIsTakenByIt) {
  EXPECT_EXIT(
      {
        HoldSignals();
        ::kill(::getpid(), SIGUSR1);
        const SignalThread thread({.stop = [] { return milliseconds(0); },
                                   .reload = [] {},
                                   .reopen_logs = [] { ::_exit(21); }});
        for (;;) ::pause();
      },
      testing::ExitedWithCode(21), "");
}

}  // namespace
}  // namespace sluice
