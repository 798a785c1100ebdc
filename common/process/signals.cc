#include "common/process/signals.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>

#include "common/base/check.h"
#include "common/base/monotonic_time.h"
#include "common/base/thread_name.h"
#include "common/base/unique_fd.h"
#include "common/log/event_log.h"

namespace sluice {
namespace {

enum class Request { kStop, kReload, kReopenLogs, kHandOver };

struct Signal {
  int number;
  std::string_view name;
  Request request;
};

constexpr std::array kSignals = {
    Signal{SIGTERM, "SIGTERM", Request::kStop},
    Signal{SIGINT, "SIGINT", Request::kStop},
    Signal{SIGQUIT, "SIGQUIT", Request::kStop},  // nginx's graceful stop.
    Signal{SIGHUP, "SIGHUP", Request::kReload},
    Signal{SIGUSR1, "SIGUSR1", Request::kReopenLogs},
    Signal{SIGUSR2, "SIGUSR2", Request::kHandOver},
};

constexpr std::chrono::seconds kAlarmAfter{2};
constexpr std::chrono::seconds kLongestAlarm{1'000'000'000};

sigset_t OurSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const Signal& signal : kSignals) sigaddset(&set, signal.number);
  return set;
}

}  // namespace

void HoldSignals() {
  for (const Signal& signal : kSignals) ::signal(signal.number, SIG_DFL);
  ::signal(SIGALRM, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
  const sigset_t ours = OurSignals();
  SLUICE_CHECK(::pthread_sigmask(SIG_SETMASK, &ours, nullptr) == 0);
}

class SignalThread::Loop {
 public:
  explicit Loop(SignalHandlers handlers) : handlers_(std::move(handlers)) {
    const sigset_t ours = OurSignals();
    signals_ = UniqueFd(::signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK));
    stopped_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
    SLUICE_CHECK(signals_ && stopped_);
    thread_ = std::thread([this] {
      NameThisThread("signals");
      Run();
    });
  }
  ~Loop() {
    const std::uint64_t one = 1;
    SLUICE_CHECK(::write(stopped_.get(), &one, sizeof(one)) == sizeof(one));
    thread_.join();
  }

 private:
  void Run() {
    for (;;) {
      std::array<pollfd, 2> polled{pollfd{signals_.get(), POLLIN, 0},
                                   pollfd{stopped_.get(), POLLIN, 0}};
      ::poll(polled.data(), polled.size(), Patience());
      if (polled[1].revents != 0) return;
      if (polled[0].revents != 0) Take();
      if (end_by_ && std::chrono::steady_clock::now() >= *end_by_) {
        End("stop_overdue", LogLevel::kError, 1);
      }
    }
  }

  // In milliseconds; -1: for ever.
  int Patience() const {
    if (!end_by_) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*end_by_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
  }

  void Take() {
    signalfd_siginfo taken;
    if (::read(signals_.get(), &taken, sizeof(taken)) != sizeof(taken)) return;
    const auto* signal = std::find_if(kSignals.begin(), kSignals.end(), [&](const Signal& one) {
      return one.number == static_cast<int>(taken.ssi_signo);
    });
    if (signal == kSignals.end()) return;
    LogEvent(LogLevel::kInfo, "signal_received",
             {{"signal", signal->name}, {"sender_pid", taken.ssi_pid}});
    switch (signal->request) {
      case Request::kStop:
        return Stop(*signal);
      case Request::kReload:
        return handlers_.reload();
      case Request::kReopenLogs:
        return handlers_.reopen_logs();
      case Request::kHandOver:
        LogEvent(LogLevel::kWarning, "signal_ignored",
                 {{"signal", signal->name},
                  {"message", "kept for handing over to a new process, which is not there yet"}});
        return;
    }
  }

  void Stop(const Signal& signal) {
    if (end_by_) End("ended_at_once", LogLevel::kWarning, 128 + signal.number);
    const std::chrono::milliseconds patience = handlers_.stop();
    end_by_ = std::chrono::steady_clock::now() + patience;
    // Should even this thread hang, or what comes after it.
    ::alarm(static_cast<unsigned>(
        std::min(std::chrono::ceil<std::chrono::seconds>(patience) + kAlarmAfter, kLongestAlarm)
            .count()));
  }

  [[noreturn]] static void End(std::string_view event, LogLevel level, int status) {
    LogEvent(level, event);
    FlushEventLog();
    std::_Exit(status);
  }

  const SignalHandlers handlers_;
  UniqueFd signals_;
  UniqueFd stopped_;
  std::optional<MonotonicTime> end_by_;  // Stopping. The thread's.
  std::thread thread_;
};

SignalThread::SignalThread(SignalHandlers handlers)
    : loop_(std::make_unique<Loop>(std::move(handlers))) {}
SignalThread::~SignalThread() = default;

}  // namespace sluice
