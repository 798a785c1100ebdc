// UDP load: an echo server, closed-loop flows, and a bulk sender with segmentation offload (GSO).
//   bench_udp_load serve ADDRESS                       echoes until it is stopped
//   bench_udp_load ping ADDRESS FLOWS WINDOW SECONDS [COUNT]   64 bytes to and fro, WINDOW in
//   flight a flow bench_udp_load bulk ADDRESS SECONDS SINK_ADDRESS   1,200-byte datagrams, 50 a
//   send; listens at
//                                                      SINK_ADDRESS itself and counts what arrives
//   bench_udp_load idle ADDRESS FLOWS                  one exchange each, says `ready`, waits for
//   end of input
// Prints one line of JSON.
#include <netinet/udp.h>
#include <poll.h>

#include <atomic>
#include <thread>

#include "tests/bench/load_socket.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace sluice::bench {
namespace {

constexpr std::size_t kMessage = 64;
constexpr std::size_t kBatch = 64;
constexpr std::size_t kSegment = 1200;
constexpr std::size_t kSegments = 50;

void BigBuffers(int fd) {
  const int size = 4 * 1024 * 1024;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int BindUdp(const std::string& text) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  BigBuffers(fd);
  const sockaddr_in address = ParseAddress(text);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) Die("bind");
  return fd;
}

int ConnectUdp(const sockaddr_in& address) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) Die("socket");
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    Die("connect");
  return fd;
}

int Serve(const std::string& text) {
  const int fd = BindUdp(text);
  std::vector<char> bytes(kBatch * 2048);
  mmsghdr messages[kBatch];
  iovec parts[kBatch];
  sockaddr_in peers[kBatch];
  while (true) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {bytes.data() + i * 2048, 2048};
      messages[i] = {};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = &peers[i];
      messages[i].msg_hdr.msg_namelen = sizeof(peers[i]);
    }
    const int got = ::recvmmsg(fd, messages, kBatch, MSG_WAITFORONE, nullptr);
    if (got <= 0) continue;
    for (int i = 0; i < got; ++i) parts[i].iov_len = messages[i].msg_len;
    for (int sent = 0; sent < got;) {
      const int n = ::sendmmsg(fd, messages + sent, static_cast<unsigned>(got - sent), 0);
      sent += n > 0 ? n : 1;  // An ICMP error of one client does not stop the others.
    }
  }
}

struct Flow {
  int fd = -1;
  std::size_t in_flight = 0;
  Clock::time_point last;
};

int Ping(const sockaddr_in& address, std::size_t flow_count, std::size_t window, double seconds,
         std::uint64_t count) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Flow> flows(flow_count);
  const char request[kMessage] = "a small datagram";
  const auto fill = [&](Flow& flow) {
    while (flow.in_flight < window &&
           ::send(flow.fd, request, kMessage, 0) == static_cast<ssize_t>(kMessage)) {
      ++flow.in_flight;
    }
    flow.last = Clock::now();
  };
  for (std::size_t i = 0; i < flow_count; ++i) {
    flows[i].fd = ConnectUdp(address);
    Watch(epoll, flows[i].fd, EPOLLIN, i);
    fill(flows[i]);
  }
  const auto start = Clock::now();
  const auto end =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::uint64_t done = 0;
  std::uint64_t lost = 0;
  Latencies latencies;
  std::vector<epoll_event> events(512);
  char buffer[2048];
  auto next_check = start + std::chrono::milliseconds(100);
  while (done < count) {
    const auto now = Clock::now();
    if (now >= end) break;
    const int ready = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
    for (int e = 0; e < ready; ++e) {
      Flow& flow = flows[events[static_cast<std::size_t>(e)].data.u64];
      while (flow.in_flight > 0 && ::recv(flow.fd, buffer, sizeof(buffer), 0) >= 0) {
        --flow.in_flight;
        ++done;
      }
      latencies.Add(Clock::now() - flow.last);
      fill(flow);
    }
    if (Clock::now() >= next_check) {
      next_check = Clock::now() + std::chrono::milliseconds(100);
      for (Flow& flow : flows) {
        if (flow.in_flight > 0 && Clock::now() - flow.last > std::chrono::milliseconds(500)) {
          lost += flow.in_flight;
          flow.in_flight = 0;
          fill(flow);
        }
      }
    }
  }
  PrintResult("exchange", done, std::chrono::duration<double>(Clock::now() - start).count(),
              latencies, lost);
  return 0;
}

int Bulk(const sockaddr_in& address, double seconds, const std::string& sink_address) {
  const int sink = BindUdp(sink_address);
  const int on = 1;
  ::setsockopt(sink, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> received{0};
  std::thread receiver([&] {
    std::vector<char> bytes(65536);
    while (!stop) {
      pollfd poll_fd{sink, POLLIN, 0};
      if (::poll(&poll_fd, 1, 100) <= 0) continue;
      ssize_t n;
      while ((n = ::recv(sink, bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0) {
        received += static_cast<std::uint64_t>(n);
      }
    }
  });
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  BigBuffers(fd);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    Die("connect");
  const int segment = static_cast<int>(kSegment);
  if (::setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) != 0)
    Die("UDP_SEGMENT");
  std::vector<char> bytes(kSegment * kSegments, 'x');
  const auto start = Clock::now();
  const auto end =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::uint64_t sent = 0;
  while (Clock::now() < end) {
    // At most 2 MiB ahead of the receiver, so that loss says something about the proxy.
    if (sent > received + (2u << 20)) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      // What was lost never arrives: go on after a while.
      static Clock::time_point waited = Clock::now();
      static std::uint64_t seen = 0;
      if (received != seen) {
        seen = received;
        waited = Clock::now();
      } else if (Clock::now() - waited > std::chrono::milliseconds(20)) {
        sent = received;
      }
      continue;
    }
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), 0);
    if (n > 0) sent += static_cast<std::uint64_t>(n);
  }
  const double took = std::chrono::duration<double>(Clock::now() - start).count();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  stop = true;
  receiver.join();
  Latencies none;
  PrintResult("byte", received, took, none);
  return 0;
}

int Idle(const sockaddr_in& address, std::size_t count) {
  std::vector<int> flows;
  char buffer[kMessage] = "a small datagram";
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = ConnectUdp(address);
    for (int attempt = 0;; ++attempt) {
      if (attempt == 10) Die("no answer");
      (void)::send(fd, buffer, kMessage, 0);
      pollfd poll_fd{fd, POLLIN, 0};
      if (::poll(&poll_fd, 1, 500) > 0 && ::recv(fd, buffer, kMessage, 0) > 0) break;
    }
    flows.push_back(fd);
  }
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  const std::string mode = argc > 2 ? argv[1] : "";
  if (mode == "serve") return Serve(argv[2]);
  if (mode == "ping" && argc >= 6) {
    return Ping(ParseAddress(argv[2]), static_cast<std::size_t>(std::atol(argv[3])),
                static_cast<std::size_t>(std::atol(argv[4])), std::atof(argv[5]),
                argc > 6 ? static_cast<std::uint64_t>(std::atoll(argv[6])) : UINT64_MAX);
  }
  if (mode == "bulk" && argc == 5) return Bulk(ParseAddress(argv[2]), std::atof(argv[3]), argv[4]);
  if (mode == "idle" && argc == 4) {
    return Idle(ParseAddress(argv[2]), static_cast<std::size_t>(std::atol(argv[3])));
  }
  std::fprintf(stderr, "usage: %s serve|ping|bulk|idle ADDRESS …  (see the head of udp_load.cc)\n",
               argv[0]);
  return 2;
}
