// The writer thread: empties the workers' rings into the sinks, writes the sinks, sleeps.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/mutex.h"
#include "common/base/text_format.h"
#include "common/base/thread_name.h"
#include "common/base/unique_fd.h"
#include "dataplane/log/access_log.h"
#include "dataplane/log/log_ring.h"
#include "dataplane/log/log_sink.h"

namespace sluice::dataplane {
namespace {

// While records come they are collected for this long; with none for a while the thread sleeps
// until it is woken, so that an idle process does nothing.
constexpr std::chrono::milliseconds kCollect{20};
constexpr int kIdleRounds = 20;
// In case of a sink that could not be written.
constexpr std::chrono::milliseconds kRetryRound{100};

struct RegisteredSink {
  std::unique_ptr<LogSink> sink;
  std::atomic<bool> released{false};  // No destination refers to it: nothing more comes.
};

struct RegisteredRing {
  LogRing ring{limits::kAccessLogRingBytes};
  std::atomic<bool> abandoned{false};  // Its thread has ended.
};

// What destinations, producers' threads and the writer share; lives as long as the longest of them.
class LogCore {
 public:
  explicit LogCore(LogPaths paths)
      : id_(NextId()),
        paths_(std::make_shared<const LogPaths>(std::move(paths))),
        wakeup_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    SLUICE_CHECK(wakeup_.get() >= 0);
  }

  bool Push(LogSink* sink, std::string_view line);
  Result<RegisteredSink*> AddSink(std::string_view to);
  void RunWriter();
  void Stop() {
    stopped_.store(true);
    Wake();
  }
  // Ends the writer's sleep.
  void Wake();
  void Reopen() {
    reopen_.store(true);
    Wake();
  }
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  std::uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  // Unlike its address an id never comes back.
  static std::uint64_t NextId() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
  }
  LogRing& RingOfThisThread();
  void Sleep(std::chrono::milliseconds timeout);
  void SleepUntilWoken();
  bool DrainRings();
  struct Written {
    bool some;     // Bytes went to a destination.
    bool pending;  // More wait.
  };
  Written WriteSinks();
  void CloseReleased();
  void FlushAtEnd();

  const std::uint64_t id_;
  const std::shared_ptr<const LogPaths> paths_;
  const UniqueFd wakeup_;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> reopen_{false};
  std::atomic<bool> asleep_{false};
  std::atomic<std::uint64_t> lost_{0};

  Mutex mutex_;
  std::vector<std::shared_ptr<RegisteredRing>> rings_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<RegisteredSink>> sinks_ ABSL_GUARDED_BY(mutex_);
};

// The rings of one thread, one a writer; there is one writer in a process, several in tests.
class ThreadRings {
 public:
  ~ThreadRings() {
    for (const auto& entry : entries_) entry.ring->abandoned.store(true);
  }
  RegisteredRing* Find(std::uint64_t core) const {
    for (const Entry& entry : entries_) {
      if (entry.core == core) return entry.ring.get();
    }
    return nullptr;
  }
  void Add(std::uint64_t core, std::shared_ptr<RegisteredRing> ring) {
    // Rings that only this thread still has belong to writers that are gone.
    std::erase_if(entries_, [](const Entry& entry) { return entry.ring.use_count() == 1; });
    entries_.push_back({core, std::move(ring)});
  }

 private:
  struct Entry {
    std::uint64_t core;
    std::shared_ptr<RegisteredRing> ring;
  };
  std::vector<Entry> entries_;
};

LogRing& LogCore::RingOfThisThread() {
  thread_local ThreadRings own;
  if (RegisteredRing* ring = own.Find(id_)) return ring->ring;
  auto ring = std::make_shared<RegisteredRing>();
  {
    const MutexLock lock(mutex_);
    rings_.push_back(ring);
  }
  own.Add(id_, ring);
  return ring->ring;
}

bool LogCore::Push(LogSink* sink, std::string_view line) {
  if (stopped() || line.size() > limits::kAccessLogRecordBytes) return false;
  if (!RingOfThisThread().Push(sink, line)) return false;
  if (asleep_.load() && asleep_.exchange(false)) Wake();
  return true;
}

Result<RegisteredSink*> LogCore::AddSink(std::string_view to) {
  auto opened = LogSink::Open(to, paths_);
  if (!opened) return tl::unexpected<Error>(std::move(opened.error()));
  auto registered = std::make_unique<RegisteredSink>();
  registered->sink = std::move(*opened);
  RegisteredSink* const sink = registered.get();
  const MutexLock lock(mutex_);
  sinks_.push_back(std::move(registered));
  return sink;
}

void LogCore::Wake() {
  const std::uint64_t one = 1;
  // Cannot fail but for a full counter, which wakes as well.
  [[maybe_unused]] const ssize_t count = write(wakeup_.get(), &one, sizeof(one));
}

void LogCore::Sleep(std::chrono::milliseconds timeout) {
  pollfd woken{wakeup_.get(), POLLIN, 0};
  if (poll(&woken, 1, static_cast<int>(timeout.count())) > 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t size = read(wakeup_.get(), &count, sizeof(count));
  }
}

void LogCore::SleepUntilWoken() {
  asleep_.store(true);
  bool empty = true;
  {
    const MutexLock lock(mutex_);
    for (const auto& ring : rings_) empty = empty && ring->ring.empty();
  }
  if (empty) Sleep(std::chrono::milliseconds(-1));
  asleep_.store(false);
}

// False: there was nothing.
bool LogCore::DrainRings() {
  std::vector<std::shared_ptr<RegisteredRing>> rings;
  {
    const MutexLock lock(mutex_);
    std::erase_if(rings_,
                  [](const auto& ring) { return ring->abandoned.load() && ring->ring.empty(); });
    rings = rings_;
  }
  bool any = false;
  for (const auto& ring : rings) {
    ring->ring.Drain([&](LogSink& sink, std::string_view line) {
      any = true;
      if (!sink.Append(line)) lost_.fetch_add(1, std::memory_order_relaxed);
    });
  }
  return any;
}

LogCore::Written LogCore::WriteSinks() {
  std::vector<LogSink*> sinks;
  {
    const MutexLock lock(mutex_);
    for (const auto& registered : sinks_) sinks.push_back(registered->sink.get());
  }
  const bool reopen = reopen_.exchange(false);
  Written written{false, false};
  for (LogSink* sink : sinks) {
    written.some |= sink->Write(std::chrono::steady_clock::now());
    if (reopen) {
      sink->Reopen();
      written.some |= sink->Write(std::chrono::steady_clock::now());
    }
    written.pending |= sink->HasPending();
  }
  return written;
}

// Sinks that were released before the rings were drained: their last records are appended.
void LogCore::CloseReleased() {
  std::vector<RegisteredSink*> released;
  {
    const MutexLock lock(mutex_);
    for (const auto& registered : sinks_) {
      if (registered->released.load()) released.push_back(registered.get());
    }
  }
  if (released.empty()) return;
  DrainRings();
  WriteSinks();
  const MutexLock lock(mutex_);
  std::erase_if(sinks_, [&](const std::unique_ptr<RegisteredSink>& registered) {
    if (std::find(released.begin(), released.end(), registered.get()) == released.end()) {
      return false;
    }
    lost_.fetch_add(registered->sink->PendingRecords(), std::memory_order_relaxed);
    return true;
  });
}

void LogCore::FlushAtEnd() {
  const MonotonicTime until = std::chrono::steady_clock::now() + limits::kAccessLogFlush;
  do {
    DrainRings();
    if (!WriteSinks().pending) return;
    Sleep(kCollect);
  } while (std::chrono::steady_clock::now() < until);
  const MutexLock lock(mutex_);
  for (const auto& registered : sinks_) {
    lost_.fetch_add(registered->sink->PendingRecords(), std::memory_order_relaxed);
  }
}

void LogCore::RunWriter() {
  // A broken pipe is an error here and no signal: this thread never takes it.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);

  int idle_rounds = 0;
  while (!stopped_.load()) {
    const bool any = DrainRings();
    const Written written = WriteSinks();
    CloseReleased();
    idle_rounds = any || written.some ? 0 : std::min(idle_rounds + 1, kIdleRounds);
    if (idle_rounds < kIdleRounds) {
      Sleep(kCollect);
    } else if (written.pending) {
      Sleep(kRetryRound);
    } else {
      SleepUntilWoken();
    }
  }
  FlushAtEnd();
}

class SinkDestination final : public LogDestination {
 public:
  SinkDestination(std::shared_ptr<LogCore> core, RegisteredSink* sink)
      : core_(std::move(core)), sink_(sink) {}
  ~SinkDestination() override {
    sink_->released.store(true);
    core_->Wake();
  }

  bool Write(std::string_view line) override { return core_->Push(sink_->sink.get(), line); }

 private:
  const std::shared_ptr<LogCore> core_;
  RegisteredSink* const sink_;  // The core's, not closed before it is released.
};

class ThreadedWriter final : public AccessLogWriter {
 public:
  explicit ThreadedWriter(LogPaths paths)
      : core_(std::make_shared<LogCore>(std::move(paths))), thread_([this] {
          NameThisThread("access-log");
          core_->RunWriter();
        }) {}
  ~ThreadedWriter() override {
    core_->Stop();
    thread_.join();
  }

  Result<std::shared_ptr<LogDestination>> Open(std::string_view to) override {
    const MutexLock lock(mutex_);
    std::erase_if(destinations_, [](const auto& entry) { return entry.second.expired(); });
    const std::string name(to);
    if (const auto found = destinations_.find(name); found != destinations_.end()) {
      if (auto open = found->second.lock()) return open;
    }
    if (destinations_.size() >= limits::kAccessLogDestinations) {
      return Fail(ErrorCode::kResourceExhausted,
                  fmt::format("access log {} waits until one of the {} that this data plane "
                              "writes, the most it can, is not written any more",
                              Quoted(to), limits::kAccessLogDestinations));
    }
    auto sink = core_->AddSink(to);
    if (!sink) return tl::unexpected<Error>(std::move(sink.error()));
    std::shared_ptr<LogDestination> destination = std::make_shared<SinkDestination>(core_, *sink);
    destinations_[name] = destination;
    return destination;
  }

  void Reopen() override { core_->Reopen(); }
  std::uint64_t lost() const override { return core_->lost(); }

 private:
  const std::shared_ptr<LogCore> core_;
  std::thread thread_;
  Mutex mutex_;
  std::map<std::string, std::weak_ptr<LogDestination>> destinations_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<AccessLogWriter> StartAccessLogWriter(LogPaths paths) {
  return std::make_unique<ThreadedWriter>(std::move(paths));
}

}  // namespace sluice::dataplane
