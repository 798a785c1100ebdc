// Sockets and clocks of the load generators. They are made to cost little, so that the proxy is
// what is measured; errors end the program with a message, since a measurement with errors is none.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace sluice::bench {

using Clock = std::chrono::steady_clock;

[[noreturn]] inline void Die(const char* what) {
  std::fprintf(stderr, "bench: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

// `127.0.0.1:port`
inline sockaddr_in ParseAddress(const std::string& text) {
  sockaddr_in address{};
  const auto colon = text.rfind(':');
  address.sin_family = AF_INET;
  if (colon == std::string::npos ||
      ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    std::fprintf(stderr, "bench: an address is 127.0.0.1:port, got '%s'\n", text.c_str());
    std::exit(2);
  }
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1)));
  return address;
}

inline int Listen(const std::string& text) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const sockaddr_in address = ParseAddress(text);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) Die("bind");
  if (::listen(fd, 4096) != 0) Die("listen");
  return fd;
}

// Non-blocking; connecting when it returns.
inline int StartConnect(const sockaddr_in& address) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) Die("socket");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
      errno != EINPROGRESS) {
    Die("connect");
  }
  return fd;
}

inline void Watch(int epoll, int fd, std::uint32_t events, std::uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) Die("epoll_ctl");
}

// Microseconds, sampled: enough for p50 and p99 that are shown and never judged.
class Latencies {
 public:
  void Add(Clock::duration latency) {
    if (values_.size() < 2'000'000) {
      values_.push_back(static_cast<std::uint32_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(latency).count()));
    }
  }
  std::uint32_t Percentile(double p) {
    if (values_.empty()) return 0;
    const auto at = static_cast<std::ptrdiff_t>(std::min(
        values_.size() - 1, static_cast<std::size_t>(p * static_cast<double>(values_.size()))));
    std::nth_element(values_.begin(), values_.begin() + at, values_.end());
    return values_[static_cast<std::size_t>(at)];
  }

 private:
  std::vector<std::uint32_t> values_;
};

inline void PrintResult(const char* unit, std::uint64_t count, double seconds, Latencies& latencies,
                        std::uint64_t lost = 0) {
  std::printf(
      "{\"unit\": \"%s\", \"count\": %llu, \"seconds\": %.6f, \"p50_us\": %u, \"p99_us\": %u, "
      "\"lost\": %llu}\n",
      unit, static_cast<unsigned long long>(count), seconds, latencies.Percentile(0.5),
      latencies.Percentile(0.99), static_cast<unsigned long long>(lost));
  std::fflush(stdout);
}

}  // namespace sluice::bench
