// How long after the API's reply does a change govern new sessions, and does memory stay flat?
// Starts the real binaries with LISTENERS listeners, as many upstreams and five endpoints each (or,
// `shared`, one upstream of five endpoints for all listeners but two), then moves one endpoint back
// and forth CHANGES times. After each reply it opens sessions until
// the endpoint that was moved in answers. Meanwhile kLiveSessions sessions stay open on one other
// listener, and kNewSessionsASecond are opened on another. Prints one line of JSON.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/api_client.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLiveSessions = 1000;
constexpr int kNewSessionsASecond = 500;

// Hands every connection it accepts to OnAccepted(), from a thread of its own.
class AcceptingServer {
 public:
  AcceptingServer() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::listen(fd_, 512) != 0) {
      std::perror("endpoint");
      std::exit(1);
    }
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  virtual ~AcceptingServer() { ::close(fd_); }
  const std::string& address() const { return address_; }

 protected:
  virtual void OnAccepted(int session) = 0;
  void Start() {
    thread_ = std::thread([this] {
      while (true) {
        const int session = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        if (session < 0) return;
        OnAccepted(session);
      }
    });
  }
  void Stop() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
  }

 private:
  int fd_;
  std::string address_;
  std::thread thread_;
};

// Says its letter and closes.
class LetterServer final : public AcceptingServer {
 public:
  explicit LetterServer(char letter) : letter_(letter) { Start(); }
  ~LetterServer() override { Stop(); }

 private:
  void OnAccepted(int session) override {
    (void)::send(session, &letter_, 1, MSG_NOSIGNAL);
    ::close(session);
  }
  const char letter_;
};

// Keeps every session open and silent until it is told to greet all of them.
class SilentServer final : public AcceptingServer {
 public:
  SilentServer() { Start(); }
  ~SilentServer() override {
    Stop();
    for (const int session : sessions_) ::close(session);
  }
  std::size_t sessions() {
    const std::lock_guard lock(mutex_);
    return sessions_.size();
  }
  void GreetAll() {
    const std::lock_guard lock(mutex_);
    for (const int session : sessions_) (void)::send(session, "!", 1, MSG_NOSIGNAL);
  }

 private:
  void OnAccepted(int session) override {
    const std::lock_guard lock(mutex_);
    sessions_.push_back(session);
  }
  std::mutex mutex_;
  std::vector<int> sessions_;  // Guarded by mutex_.
};

// Opens sessions at a steady rate and counts those that do not get the letter.
class NewSessions {
 public:
  NewSessions(std::string address, char letter)
      : thread_([this, address = std::move(address), letter] {
          auto next = Clock::now();
          while (!stop_) {
            TcpClient session(address);
            if (session.Receive(1) != std::string(1, letter)) ++errors_;
            ++opened_;
            std::this_thread::sleep_until(next += std::chrono::microseconds(1'000'000) /
                                                  kNewSessionsASecond);
          }
        }) {}
  void Stop() {
    stop_ = true;
    thread_.join();
  }
  int opened() const { return opened_; }
  int errors() const { return errors_; }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int> opened_{0};
  std::atomic<int> errors_{0};
  std::thread thread_;  // Last: it uses the others.
};

std::string UpstreamYaml(int index, const std::string& primary) {
  std::string yaml = "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: u" +
                     std::to_string(index) + "}\nspec:\n  endpoints:\n  - {address: \"" + primary +
                     "\"}\n";
  for (int i = 1; i < 5; ++i) {
    yaml += "  - {address: \"127.1." + std::to_string(index / 250) + "." +
            std::to_string(index % 250 + 1) + ":" + std::to_string(9000 + i) +
            "\", backup: true}\n";
  }
  return yaml;
}

double Percentile(std::vector<double>& sorted, double p) {
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(p * static_cast<double>(sorted.size())))];
}

int Main(int listeners, int changes, bool shared) {
  LetterServer a('A');
  LetterServer b('B');
  SilentServer silent;
  PortLease port;
  ControlPlane control_plane;
  DataPlane data_plane(
      {.control_plane = control_plane.xds(), .more_flags = {"--access-log", "off"}});
  ApiClient api(control_plane.api());

  const auto listener_address = [&port](int i) {
    return i == 0 ? port.Address()
                  : "127.2." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) + ":" +
                        std::to_string(port.port());
  };
  std::string yaml;
  const int upstreams = shared ? 3 : listeners;
  for (int i = 0; i < listeners; ++i) {
    if (i < upstreams) yaml += UpstreamYaml(i, i == 2 ? silent.address() : a.address()) + "---\n";
    yaml += "apiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {name: l" + std::to_string(i) +
            "}\nspec:\n  address: \"" + listener_address(i) +
            "\"\n  routes:\n  - {proxy: {upstream: u" + std::to_string(i < upstreams ? i : 0) +
            "}}\n---\n";
  }
  const std::int64_t first = api.Apply(yaml);
  if (first < 0) {
    std::fprintf(stderr, "apply: %s\n", api.last_error().c_str());
    return 1;
  }
  if (!Eventually([&] { return api.ActiveGeneration("node-1") >= first; },
                  std::chrono::seconds(60))) {
    std::fprintf(stderr, "the first generation did not come into force:\n%s\n",
                 data_plane.process().Err().c_str());
    return 1;
  }

  std::vector<std::unique_ptr<TcpClient>> live;
  for (int i = 0; i < kLiveSessions; ++i) {
    live.push_back(std::make_unique<TcpClient>(listener_address(2)));
  }
  if (!Eventually([&] { return silent.sessions() == live.size(); })) {
    std::fprintf(stderr, "the live sessions could not be opened\n");
    return 1;
  }
  NewSessions new_sessions(listener_address(1), 'A');

  std::vector<double> apply_ms;
  std::vector<double> in_force_ms;
  const int warm_up = std::max(1, changes / 20);
  std::size_t data_plane_before = 0;
  std::size_t control_plane_before = 0;
  for (int i = 0; i < changes + warm_up; ++i) {
    if (i == warm_up) {
      data_plane_before = ResidentBytes(data_plane.process().pid());
      control_plane_before = ResidentBytes(control_plane.process().pid());
    }
    const bool to_b = i % 2 == 0;
    const auto start = Clock::now();
    if (api.Apply(UpstreamYaml(0, to_b ? b.address() : a.address())) < 0) {
      std::fprintf(stderr, "apply: %s\n", api.last_error().c_str());
      return 1;
    }
    const auto replied = Clock::now();
    while (true) {
      TcpClient session(port.Address());
      const std::string letter = session.Receive(1);
      if (letter.empty()) {
        std::fprintf(stderr, "a session was lost\n");
        return 1;
      }
      if ((letter == "B") == to_b) break;
      if (Clock::now() - replied > std::chrono::seconds(10)) {
        std::fprintf(stderr, "the change did not come into force\n");
        return 1;
      }
    }
    const auto in_force = Clock::now();
    if (i >= warm_up) {
      apply_ms.push_back(std::chrono::duration<double, std::milli>(replied - start).count());
      in_force_ms.push_back(std::chrono::duration<double, std::milli>(in_force - replied).count());
    }
  }
  new_sessions.Stop();
  silent.GreetAll();
  const auto lost = std::count_if(live.begin(), live.end(),
                                  [](const auto& session) { return session->Receive(1) != "!"; });
  const auto drift = [](std::size_t before, std::size_t after) {
    return 100.0 * (static_cast<double>(after) - static_cast<double>(before)) /
           static_cast<double>(before);
  };
  const std::size_t data_plane_after = ResidentBytes(data_plane.process().pid());
  const std::size_t control_plane_after = ResidentBytes(control_plane.process().pid());
  std::sort(apply_ms.begin(), apply_ms.end());
  std::sort(in_force_ms.begin(), in_force_ms.end());
  std::printf(
      "{\"listeners\": %d, \"endpoints\": %d, \"changes\": %d, \"live_sessions\": %d, "
      "\"live_sessions_lost\": %d, "
      "\"new_sessions\": %d, \"new_session_errors\": %d, \"apply_ms\": {\"p50\": %.2f, \"p99\": "
      "%.2f, \"max\": "
      "%.2f}, "
      "\"in_force_after_reply_ms\": {\"p50\": %.2f, \"p99\": %.2f, \"max\": %.2f}, "
      "\"data_plane_rss_mib\": {\"before\": %.1f, \"after\": %.1f, \"drift_percent\": %.2f}, "
      "\"control_plane_rss_mib\": {\"before\": %.1f, \"after\": %.1f, \"drift_percent\": %.2f}}\n",
      listeners, upstreams * 5, changes, kLiveSessions, static_cast<int>(lost),
      new_sessions.opened(), new_sessions.errors(), Percentile(apply_ms, 0.5),
      Percentile(apply_ms, 0.99), apply_ms.back(), Percentile(in_force_ms, 0.5),
      Percentile(in_force_ms, 0.99), in_force_ms.back(),
      static_cast<double>(data_plane_before) / 1048576,
      static_cast<double>(data_plane_after) / 1048576, drift(data_plane_before, data_plane_after),
      static_cast<double>(control_plane_before) / 1048576,
      static_cast<double>(control_plane_after) / 1048576,
      drift(control_plane_before, control_plane_after));
  return 0;
}

}  // namespace
}  // namespace sluice::test

int main(int argc, char** argv) {
  const bool shared = argc == 4 && std::string_view(argv[3]) == "shared";
  if ((argc != 3 && !shared) || std::atoi(argv[1]) < 3) {
    std::fprintf(stderr, "usage: %s LISTENERS CHANGES [shared] (LISTENERS at least 3)\n", argv[0]);
    return 2;
  }
  return sluice::test::Main(std::atoi(argv[1]), std::atoi(argv[2]), shared);
}
