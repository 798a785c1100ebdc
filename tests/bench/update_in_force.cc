// How long after the API's reply does a change govern new sessions, and does memory stay flat?
// Starts the real binaries with LISTENERS listeners, as many upstreams and five endpoints each,
// then moves one endpoint back and forth CHANGES times. After each reply it opens sessions until
// the endpoint that was moved in answers. Prints one line of JSON.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/api_client.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {
namespace {

using Clock = std::chrono::steady_clock;

// Accepts, says its letter, closes.
class LetterServer {
 public:
  explicit LetterServer(char letter) : letter_(letter) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
        ::listen(fd_, 512) != 0) {
      std::perror("letter server");
      std::exit(1);
    }
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    address_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] {
      while (true) {
        const int session = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
        if (session < 0) return;
        (void)::send(session, &letter_, 1, MSG_NOSIGNAL);
        ::close(session);
      }
    });
  }
  ~LetterServer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  const std::string& address() const { return address_; }

 private:
  char letter_;
  int fd_;
  std::string address_;
  std::thread thread_;
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

int Main(int listeners, int changes) {
  LetterServer a('A');
  LetterServer b('B');
  PortLease port;
  ControlPlane control_plane;
  DataPlane data_plane(
      {.control_plane = control_plane.xds(), .more_flags = {"--access-log", "off"}});
  ApiClient api(control_plane.api());

  std::string yaml;
  for (int i = 0; i < listeners; ++i) {
    yaml += UpstreamYaml(i, a.address());
    yaml += "---\napiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {name: l" +
            std::to_string(i) + "}\nspec:\n  address: \"" +
            (i == 0 ? port.Address()
                    : "127.2." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1) + ":" +
                          std::to_string(port.port())) +
            "\"\n  routes:\n  - {proxy: {upstream: u" + std::to_string(i) + "}}\n---\n";
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
  const auto drift = [](std::size_t before, std::size_t after) {
    return 100.0 * (static_cast<double>(after) - static_cast<double>(before)) /
           static_cast<double>(before);
  };
  const std::size_t data_plane_after = ResidentBytes(data_plane.process().pid());
  const std::size_t control_plane_after = ResidentBytes(control_plane.process().pid());
  std::sort(apply_ms.begin(), apply_ms.end());
  std::sort(in_force_ms.begin(), in_force_ms.end());
  std::printf(
      "{\"endpoints\": %d, \"changes\": %d, \"apply_ms\": {\"p50\": %.2f, \"p99\": %.2f, \"max\": "
      "%.2f}, "
      "\"in_force_after_reply_ms\": {\"p50\": %.2f, \"p99\": %.2f, \"max\": %.2f}, "
      "\"data_plane_rss_mib\": {\"before\": %.1f, \"after\": %.1f, \"drift_percent\": %.2f}, "
      "\"control_plane_rss_mib\": {\"before\": %.1f, \"after\": %.1f, \"drift_percent\": %.2f}}\n",
      listeners * 5, changes, Percentile(apply_ms, 0.5), Percentile(apply_ms, 0.99),
      apply_ms.back(), Percentile(in_force_ms, 0.5), Percentile(in_force_ms, 0.99),
      in_force_ms.back(), static_cast<double>(data_plane_before) / 1048576,
      static_cast<double>(data_plane_after) / 1048576, drift(data_plane_before, data_plane_after),
      static_cast<double>(control_plane_before) / 1048576,
      static_cast<double>(control_plane_after) / 1048576,
      drift(control_plane_before, control_plane_after));
  return 0;
}

}  // namespace
}  // namespace sluice::test

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s LISTENERS CHANGES\n", argv[0]);
    return 2;
  }
  return sluice::test::Main(std::atoi(argv[1]), std::atoi(argv[2]));
}
