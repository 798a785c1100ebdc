#include "dataplane/loop/event_loop.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"

namespace sluice::dataplane {

Result<std::unique_ptr<EventLoop>> EventLoop::Open() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  UniqueFd wakeup(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  if (!epoll || !wakeup || ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wakeup.get(), &event) != 0) {
    return Fail(ErrorCode::kResourceExhausted,
                std::string("an event loop cannot be opened: ") + std::strerror(errno));
  }
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll), std::move(wakeup)));
}

EventLoop::EventLoop(UniqueFd epoll, UniqueFd wakeup)
    : epoll_(std::move(epoll)),
      wakeup_(std::move(wakeup)),
      now_(std::chrono::steady_clock::now()),
      timers_(now_) {}

EventLoop::~EventLoop() = default;

void EventLoop::Run() {
  now_ = std::chrono::steady_clock::now();
  while (!stopped_) {
    Wait();
    RunAgain();
    timers_.Advance(now_);
    for (RoundEndHook* hook : hooks_) hook->OnRoundEnd();
    DestroyRetired();
  }
}

void EventLoop::Wait() {
  int timeout = 0;
  if (again_.empty()) {
    const auto sleep = timers_.UntilNext(now_);
    constexpr std::chrono::milliseconds kLongest{60'000};
    timeout = sleep ? static_cast<int>(std::min(*sleep, kLongest).count()) : -1;
  }
  std::array<epoll_event, kEventsPerWait> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsPerWait, timeout);
  SLUICE_CHECK(count >= 0 || errno == EINTR);
  now_ = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      RunPosted();
    } else {
      static_cast<IoHandler*>(event.data.ptr)->OnEvents(event.events);
    }
  }
}

void EventLoop::Stop() {
  Post([this] { stopped_ = true; });
}

void EventLoop::Post(std::function<void()> task) {
  bool first = false;
  {
    const MutexLock lock(posted_mutex_);
    SLUICE_CHECK(posted_.size() < limits::kPostedTasks);
    first = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (!first) return;
  const std::uint64_t one = 1;
  SLUICE_CHECK(::write(wakeup_.get(), &one, sizeof(one)) == sizeof(one));
}

void EventLoop::RunPosted() {
  // The counter is never read: a write to an edge-triggered eventfd is an edge of its own. It would
  // take 2^64 posts to fill it.
  std::vector<std::function<void()>> tasks;
  {
    const MutexLock lock(posted_mutex_);
    tasks.swap(posted_);
  }
  for (const auto& task : tasks) task();
}

int EventLoop::Add(int fd, std::uint32_t events, IoHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

int EventLoop::Modify(int fd, std::uint32_t events, IoHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0 ? 0 : errno;
}

void EventLoop::Remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EventLoop::Again(IoHandler& handler) {
  if (handler.again_) return;
  handler.again_ = true;
  again_.push_back(&handler);
}

void EventLoop::CancelAgain(IoHandler& handler) {
  if (!handler.again_) return;
  handler.again_ = false;
  std::replace(again_.begin(), again_.end(), &handler, static_cast<IoHandler*>(nullptr));
}

void EventLoop::RunAgain() {
  // Those that ask again while this runs come after `count`, and are run in the next round.
  const std::size_t count = again_.size();
  for (std::size_t i = 0; i < count; ++i) {
    IoHandler* handler = std::exchange(again_[i], nullptr);
    if (handler == nullptr) continue;
    handler->again_ = false;
    handler->OnEvents(0);
  }
  again_.erase(again_.begin(), again_.begin() + static_cast<std::ptrdiff_t>(count));
}

void EventLoop::Retire(std::unique_ptr<Retirable> object) { retired_.push_back(std::move(object)); }

void EventLoop::DestroyRetired() {
  // By index: a destructor may retire something else.
  for (std::size_t i = 0; i < retired_.size(); ++i) {
    const std::unique_ptr<Retirable> object = std::move(retired_[i]);
  }
  retired_.clear();
}

void EventLoop::AddRoundEndHook(RoundEndHook& hook) { hooks_.push_back(&hook); }

void EventLoop::RemoveRoundEndHook(RoundEndHook& hook) { std::erase(hooks_, &hook); }

}  // namespace sluice::dataplane
