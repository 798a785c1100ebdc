// Random amounts both ways, small and large in turn, so that each direction goes from copying to
// splicing and back many times, while the peers slice what they write, stall what they read, and
// cut the session off.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/engine_fixture.h"
#include "tests/support/socket_peer.h"
#include "tests/support/temp_dir.h"

namespace sluice::dataplane::test {
namespace {

// Byte `i` of a stream follows from its seed and position alone, so that a receiver checks at once.
char ByteAt(std::uint32_t seed, std::uint64_t position) {
  std::uint64_t x = position + (std::uint64_t{seed} << 40);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  return static_cast<char>(x ^ (x >> 27));
}

void SendChaos(SocketPeer& peer, std::uint32_t seed, std::uint64_t total) {
  std::minstd_rand random(seed);
  std::uint64_t position = 0;
  std::string block;
  while (position < total) {
    // A phase of small writes, then one of large ones.
    const bool large = random() % 2 == 0;
    const std::uint64_t until = std::min(total, position + (large ? 1'500'000 : 20'000));
    while (position < until) {
      const std::uint64_t limit = large ? 400'000 : 1'500;
      const std::uint64_t size = std::min<std::uint64_t>(1 + random() % limit, until - position);
      block.resize(size);
      for (std::uint64_t i = 0; i < size; ++i) block[i] = ByteAt(seed, position + i);
      peer.Send(block);
      position += size;
      if (random() % 8 == 0) std::this_thread::yield();
    }
  }
}

// The position of the first wrong byte, or the number of bytes that came.
std::uint64_t ReceiveChaos(SocketPeer& peer, std::uint32_t seed, bool& exact) {
  std::minstd_rand random(seed + 1);
  std::uint64_t position = 0;
  exact = true;
  while (true) {
    const std::size_t wanted = random() % 4 == 0 ? 1 + random() % 500 : 1 + random() % 300'000;
    const std::string got = peer.Receive(wanted);
    for (const char byte : got) {
      if (byte != ByteAt(seed, position)) {
        exact = false;
        return position;
      }
      ++position;
    }
    if (got.size() < wanted) return position;
    if (random() % 16 == 0) std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
}

class ByteExactness : public TcpEngineTest {
 protected:
  void RunSessions(const SocketAddress& proxy, PeerListener& backend, std::uint32_t sessions) {
    constexpr std::uint64_t kBytes = 6'000'000;
    std::vector<std::thread> threads;
    std::vector<SocketPeer> clients(sessions);
    std::vector<SocketPeer> endpoints(sessions);
    for (std::uint32_t i = 0; i < sessions; ++i) {
      clients[i] = SocketPeer(proxy);
      endpoints[i] = backend.Accept();
      const std::uint32_t up = 2 * i + 1;
      const std::uint32_t down = 2 * i + 2;
      threads.emplace_back([&, i, up] {
        SendChaos(clients[i], up, kBytes + up * 7919);
        clients[i].FinishSending();
      });
      threads.emplace_back([&, i, down] {
        SendChaos(endpoints[i], down, kBytes + down * 7919);
        endpoints[i].FinishSending();
      });
      threads.emplace_back([&, i, up] {
        bool exact = false;
        EXPECT_EQ(ReceiveChaos(endpoints[i], up, exact), kBytes + up * 7919);
        EXPECT_TRUE(exact);
      });
      threads.emplace_back([&, i, down] {
        bool exact = false;
        EXPECT_EQ(ReceiveChaos(clients[i], down, exact), kBytes + down * 7919);
        EXPECT_TRUE(exact);
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::uint64_t received = 0;
    std::uint64_t sent = 0;
    for (const Record& record : WaitForRecords(sessions)) {
      EXPECT_EQ(record.reason, CloseReason::kFinished);
      received += record.bytes_received;
      sent += record.bytes_sent;
    }
    EXPECT_EQ(received, sessions * kBytes + sessions * sessions * 7919);
    EXPECT_EQ(sent, sessions * kBytes + sessions * (sessions + 1) * 7919);
  }
};

TEST_F(ByteExactness, OverTcpThroughEveryPathSwitch) {
  StartEngine(2);
  PeerListener backend;
  RunSessions(Proxy(backend.address()), backend, 4);
}

// A reset throws away what is still on its way, and nothing that comes before it is wrong.
TEST_F(ByteExactness, WhatArrivesBeforeACutIsExact) {
  constexpr std::uint32_t kSessions = 12;
  StartEngine(2);
  PeerListener backend;
  const SocketAddress proxy = Proxy(backend.address());
  for (std::uint32_t i = 0; i < kSessions; ++i) {
    SocketPeer client(proxy);
    SocketPeer endpoint = backend.Accept();
    // The endpoint's side knows of the connection before sluice does: a cut before that would be
    // another close reason.
    endpoint.Send("!");
    EXPECT_EQ(client.Receive(1), "!");
    SocketPeer& sender = i % 2 == 0 ? client : endpoint;
    SocketPeer& receiver = i % 2 == 0 ? endpoint : client;
    const std::uint64_t total = 1 + std::minstd_rand(i + 1)() % 4'000'000;
    std::thread sending([&] {
      SendChaos(sender, i, total);
      sender.Reset();
    });
    bool exact = false;
    EXPECT_LE(ReceiveChaos(receiver, i, exact), total);
    EXPECT_TRUE(exact);
    sending.join();
  }
  std::size_t by_client = 0;
  for (const Record& record : WaitForRecords(kSessions)) {
    if (record.reason == CloseReason::kClientReset) {
      ++by_client;
    } else {
      EXPECT_EQ(record.reason, CloseReason::kEndpointReset);
    }
  }
  EXPECT_EQ(by_client, kSessions / 2);
}

TEST_F(ByteExactness, OverUnixSocketsThroughEveryPathSwitch) {
  const sluice::test::TempDir folder;
  StartEngine(2);
  PeerListener backend(Address("unix:" + folder.File("endpoint.sock")));
  const SocketAddress proxy = Address("unix:" + folder.File("proxy.sock"));
  ASSERT_TRUE(Publish({Listener(proxy, Upstream("upstream", {backend.address()}))}).empty());
  RunSessions(proxy, backend, 4);
}

}  // namespace
}  // namespace sluice::dataplane::test
