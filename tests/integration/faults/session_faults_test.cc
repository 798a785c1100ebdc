// Every system call of a whole session fails once, mechanically, with the errors that it can meet.
// Whatever fails: the session ends, its record is the only one, the counters and the endpoint's
// slots add up, no descriptor is left, and the next client is served.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <filesystem>
#include <iterator>
#include <thread>

#include "tests/integration/faults/syscall_faults.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/socket_peer.h"
#include "tests/support/udp_peer.h"

namespace sluice::dataplane::test {
namespace {

using sluice::test::Eventually;
using sluice::test::SyscallFaults;
using std::chrono::milliseconds;

std::size_t OpenDescriptors() {
  return static_cast<std::size_t>(std::distance(
      std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator()));
}

// Sends everything back that one client after the other sends, and ends when that one ends.
class EchoServer {
 public:
  EchoServer() : thread_([this] { Run(); }) {}
  ~EchoServer() {
    stop_ = true;
    thread_.join();
  }
  const SocketAddress& address() const { return listener_.address(); }

 private:
  void Run() {
    std::string block(256 * 1024, '\0');
    while (!stop_) {
      pollfd waiting{listener_.fd(), POLLIN, 0};
      if (::poll(&waiting, 1, 5) != 1) continue;
      const UniqueFd client(::accept(listener_.fd(), nullptr, nullptr));
      while (client) {
        const ssize_t size = ::recv(client.get(), block.data(), block.size(), 0);
        if (size <= 0 || ::send(client.get(), block.data(), static_cast<std::size_t>(size),
                                MSG_NOSIGNAL) != size) {
          break;
        }
      }
    }
  }

  PeerListener listener_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

// Sends `bytes`, ends its direction and takes what comes back: all of it, or less when the session
// ends early. Fails the test when neither happens.
std::string Exchange(const SocketAddress& address, std::string_view bytes) {
  SocketPeer peer = SocketPeer::TryConnect(address);
  std::string back;
  if (!peer.connected()) return back;
  std::string block(256 * 1024, '\0');
  bool finished = false;
  while (true) {
    if (bytes.empty() && !std::exchange(finished, true)) ::shutdown(peer.fd(), SHUT_WR);
    pollfd waiting{peer.fd(), static_cast<short>(POLLIN | (finished ? 0 : POLLOUT)), 0};
    if (::poll(&waiting, 1, 20'000) != 1) {
      ADD_FAILURE() << "the session hangs";
      return back;
    }
    if ((waiting.revents & POLLOUT) != 0) {
      const std::size_t sent = peer.SendSome(bytes);
      if (sent == 0 && errno != EAGAIN) bytes = {};
      bytes.remove_prefix(sent);
    }
    if ((waiting.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
      const ssize_t size = ::recv(peer.fd(), block.data(), block.size(), MSG_DONTWAIT);
      if (size < 0 && errno == EAGAIN) continue;
      if (size <= 0) return back;
      back.append(block.data(), static_cast<std::size_t>(size));
    }
  }
}

struct Sums {
  std::uint64_t opened = 0;
  std::uint64_t closed = 0;
};

template <typename Base>
class Faults : public Base {
 protected:
  Sums Count() {
    Sums sums;
    sums.opened = this->CountListener(
        "listener", [](const ListenerCounters& c) -> const Counter& { return c.sessions_opened; });
    for (std::size_t reason = 0; reason < static_cast<std::size_t>(CloseReason::kCount); ++reason) {
      sums.closed +=
          this->CountListener("listener", [reason](const ListenerCounters& c) -> const Counter& {
            return c.sessions_closed[reason];
          });
    }
    return sums;
  }

  // `run` is a whole session, `works` tells whether it went as it should.
  template <typename Run>
  void FailEachCall(const SocketAddress& endpoint, std::uint64_t least_faults, const Run& run) {
    ASSERT_TRUE(run()) << "without a fault";
    ASSERT_TRUE(Eventually([&] { return this->engine_->sessions().open == 0; }));
    const std::size_t descriptors = OpenDescriptors();
    std::uint64_t last = 1;
    std::uint64_t faults = 0;
    for (std::uint64_t at = 1; at <= last; ++at) {
      for (unsigned variant = 0; variant < 5; ++variant) {
        SyscallFaults::Begin(at, variant);
        run();
        EXPECT_TRUE(Eventually([&] { return this->engine_->sessions().open == 0; }))
            << SyscallFaults::failed();
        last = std::max(last, SyscallFaults::End());
        const std::string failed = SyscallFaults::failed();
        SCOPED_TRACE(failed);
        if (!failed.empty()) ++faults;
        EXPECT_TRUE(run()) << "a session after the fault";
        EXPECT_TRUE(Eventually([&] { return this->engine_->sessions().open == 0; }));
        const Sums sums = Count();
        EXPECT_EQ(sums.opened, sums.closed);
        EXPECT_EQ(this->WaitForRecords(sums.closed).size(), sums.closed);
        EXPECT_EQ(this->State(endpoint).open, 0U);
        EXPECT_TRUE(Eventually([&] { return OpenDescriptors() <= descriptors; }))
            << OpenDescriptors() << " descriptors, " << descriptors << " before";
        if (this->HasFailure()) return;
      }
      last = std::min<std::uint64_t>(last, 400);  // Polling may repeat itself, not for ever.
    }
    EXPECT_GT(faults, least_faults);
  }
};

using TcpFaults = Faults<TcpEngineTest>;
using UdpFaults = Faults<UdpEngineTest>;

TEST_F(TcpFaults, WhateverFailsTheSessionEndsAndNothingIsLeft) {
  StartEngine();
  const EchoServer echo;
  const SocketAddress proxy =
      Proxy(echo.address(), {.tcp = {.delivery_timeout = milliseconds(30)}});
  const std::string bytes = Pattern(300'000);
  FailEachCall(echo.address(), 50, [&] { return Exchange(proxy, bytes) == bytes; });
}

TEST_F(UdpFaults, WhateverFailsTheFlowEndsAndNothingIsLeft) {
  StartEngine();
  const UdpEcho echo;
  const SocketAddress proxy =
      Proxy(echo.address(), {.udp = {.idle_timeout = milliseconds(30), .expected_responses = {}}});
  FailEachCall(echo.address(), 30, [&] {
    UdpPeer client;
    for (const char* datagram : {"1", "2", "3"}) client.SendTo(proxy, datagram);
    // Datagrams may be lost to a fault; the flow that they began ends by silence.
    std::size_t replies = 0;
    pollfd waiting{client.fd(), POLLIN, 0};
    while (replies < 3 && ::poll(&waiting, 1, 200) == 1) {
      if (!client.Receive()) break;
      ++replies;
    }
    return replies == 3;
  });
}

}  // namespace
}  // namespace sluice::dataplane::test
