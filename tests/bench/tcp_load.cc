// TCP load: an echo server, and closed-loop clients.
//   bench_tcp_load serve ADDRESS                        echoes until it is stopped
//   bench_tcp_load ping ADDRESS CONNECTIONS SECONDS [COUNT]     64 bytes to and fro on open
//   connections bench_tcp_load connect ADDRESS AT_A_TIME SECONDS [COUNT]    connect, 64 bytes each
//   way, close bench_tcp_load idle ADDRESS CONNECTIONS             opens, exchanges once, says
//   `ready`, waits for end of input
// Prints one line of JSON; COUNT bounds the work for instruction counts.
#include "tests/bench/load_socket.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kMessage = 64;
constexpr char kBytes[kMessage] = "a small request";

int Serve(const std::string& address) {
  const int listener = Listen(address);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  Watch(epoll, listener, EPOLLIN, static_cast<std::uint64_t>(listener));
  std::vector<epoll_event> events(512);
  std::vector<char> buffer(64 * 1024);
  while (true) {
    const int ready = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = static_cast<int>(events[static_cast<std::size_t>(i)].data.u64);
      if (fd == listener) {
        int session;
        while ((session = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
               0) {
          Watch(epoll, session, EPOLLIN | EPOLLRDHUP, static_cast<std::uint64_t>(session));
        }
        continue;
      }
      const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (n > 0) {
        (void)::send(fd, buffer.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL);
      } else if (n == 0 || errno != EAGAIN) {
        ::close(fd);
      }
    }
  }
}

struct Connection {
  int fd = -1;
  std::size_t received = 0;
  bool sent = false;
  Clock::time_point start;
};

// Keeps `parallel` connections busy; with `reconnect` each one does a single exchange.
int Exchange(const sockaddr_in& address, std::size_t parallel, double seconds, std::uint64_t count,
             bool reconnect) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections(parallel);
  const auto open = [&](std::size_t i) {
    connections[i] = Connection{StartConnect(address), 0, false, Clock::now()};
    Watch(epoll, connections[i].fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, i);
  };
  for (std::size_t i = 0; i < parallel; ++i) open(i);
  const auto start = Clock::now();
  const auto end =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  std::uint64_t done = 0;
  Latencies latencies;
  std::vector<epoll_event> events(512);
  char buffer[kMessage];
  while (done < count && Clock::now() < end) {
    const int ready = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 1000);
    if (ready == 0) {
      std::fprintf(stderr, "bench: nothing happened for a second\n");
      return 1;
    }
    for (int e = 0; e < ready && done < count; ++e) {
      const std::size_t i = events[static_cast<std::size_t>(e)].data.u64;
      Connection& connection = connections[i];
      const auto send_one = [&] {
        if (!reconnect) connection.start = Clock::now();
        if (::send(connection.fd, kBytes, kMessage, MSG_NOSIGNAL) != static_cast<ssize_t>(kMessage))
          Die("send");
        connection.sent = true;
        connection.received = 0;
      };
      if (!connection.sent) {
        if ((events[static_cast<std::size_t>(e)].events & EPOLLOUT) == 0) Die("connect");
        send_one();
        continue;
      }
      const ssize_t n = ::recv(connection.fd, buffer, kMessage - connection.received, 0);
      if (n < 0 && errno == EAGAIN) continue;
      if (n <= 0) Die("the connection ended before the answer");
      connection.received += static_cast<std::size_t>(n);
      if (connection.received < kMessage) continue;
      latencies.Add(Clock::now() - connection.start);
      ++done;
      if (reconnect) {
        ::close(connection.fd);
        open(i);
      } else {
        send_one();
      }
    }
  }
  const double took = std::chrono::duration<double>(Clock::now() - start).count();
  PrintResult(reconnect ? "connection" : "exchange", done, took, latencies);
  return 0;
}

int Idle(const sockaddr_in& address, std::size_t count) {
  std::vector<int> sockets;
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char buffer[kMessage];
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
      Die("connect");
    if (::send(fd, kBytes, kMessage, MSG_NOSIGNAL) != static_cast<ssize_t>(kMessage) ||
        ::recv(fd, buffer, kMessage, MSG_WAITALL) != static_cast<ssize_t>(kMessage)) {
      Die("exchange");
    }
    sockets.push_back(fd);
  }
  std::puts("ready");
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  // Every one of them still works.
  for (const int fd : sockets) {
    char buffer[kMessage];
    if (::send(fd, kBytes, kMessage, MSG_NOSIGNAL) != static_cast<ssize_t>(kMessage) ||
        ::recv(fd, buffer, kMessage, MSG_WAITALL) != static_cast<ssize_t>(kMessage)) {
      Die("a session was lost");
    }
    ::close(fd);
  }
  std::puts("all alive");
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  const std::string mode = argc > 2 ? argv[1] : "";
  if (mode == "serve") return Serve(argv[2]);
  if (mode == "idle" && argc == 4) {
    return Idle(ParseAddress(argv[2]), static_cast<std::size_t>(std::atol(argv[3])));
  }
  if ((mode == "ping" || mode == "connect") && argc >= 5) {
    return Exchange(
        ParseAddress(argv[2]), static_cast<std::size_t>(std::atol(argv[3])), std::atof(argv[4]),
        argc > 5 ? static_cast<std::uint64_t>(std::atoll(argv[5])) : UINT64_MAX, mode == "connect");
  }
  std::fprintf(stderr,
               "usage: %s serve|ping|connect|idle ADDRESS …  (see the head of tcp_load.cc)\n",
               argv[0]);
  return 2;
}
