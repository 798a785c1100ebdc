// Running out of descriptors: accepting pauses, goes on, and the process neither spins nor crashes.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "tests/support/descriptor_hog.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/socket_peer.h"

namespace sluice::dataplane::test {
namespace {

using namespace std::chrono_literals;
using sluice::test::DescriptorHog;
using sluice::test::Eventually;

class Resources : public TcpEngineTest {
 protected:
  std::uint64_t Pauses() {
    return CountListener("listener",
                         [](const auto& c) -> const Counter& { return c.accept_pauses; });
  }
  // A proxy that has served a session, so that whatever opens descriptors once has done so.
  SocketAddress WarmProxy() {
    const SocketAddress proxy = Proxy(backend_.address());
    SocketPeer client(proxy);
    SocketPeer endpoint = backend_.Accept();
    client.Close();
    endpoint.Close();
    WaitForRecords(1);
    return proxy;
  }
  PeerListener backend_;
};

std::chrono::nanoseconds ProcessCpu() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

TEST_F(Resources, WithoutDescriptorsConnectionsWaitAndAreServedOnceThereAreSome) {
  const SocketAddress proxy = WarmProxy();
  DescriptorHog hog(1);
  SocketPeer client(proxy);  // Takes the last one; the kernel connects it to the queue.
  EXPECT_TRUE(Eventually([&] { return Pauses() >= 1; }));
  hog.Free(1);  // Not enough: a session needs two.
  const auto cpu = ProcessCpu();
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::steady_clock::now() - start; };
  EXPECT_TRUE(Eventually([&] { return elapsed() > 600ms; }));  // Twice has it looked again.
  EXPECT_LT(ProcessCpu() - cpu, elapsed() * 3 / 4) << "it spins";
  hog.FreeAll();
  SocketPeer endpoint = backend_.Accept();
  endpoint.Send("at last");
  EXPECT_EQ(client.Receive(7), "at last");
}

TEST_F(Resources, ASessionThatCannotReachItsEndpointForWantOfDescriptorsIsNobodysFault) {
  const SocketAddress proxy = WarmProxy();
  DescriptorHog hog(2);
  SocketPeer client(proxy);  // One for it, one for the accepted connection, none for the endpoint.
  client.WaitForEnd();
  const Record record = WaitForRecords(2)[1];
  EXPECT_EQ(record.reason, CloseReason::kResourcesExhausted);
  EXPECT_EQ(State(backend_.address()).fails.load(), 0U);
  hog.FreeAll();
  SocketPeer second(proxy);
  backend_.Accept().Send("ok");
  EXPECT_EQ(second.Receive(2), "ok");
}

TEST_F(Resources, AcceptingGoesOnWhenASessionEnds) {
  const SocketAddress proxy = WarmProxy();
  SocketPeer first(proxy);
  SocketPeer first_endpoint = backend_.Accept();
  DescriptorHog hog(1);
  SocketPeer second(proxy);
  EXPECT_TRUE(Eventually([&] { return Pauses() >= 1; }));
  first.Close();
  first_endpoint.Close();
  backend_.Accept().Send("yes");
  EXPECT_EQ(second.Receive(3), "yes");
}

TEST_F(Resources, OfThoseThatWaitAsManyAreAcceptedAsCanBeServed) {
  const SocketAddress proxy = WarmProxy();
  SocketPeer first(proxy);
  SocketPeer first_endpoint = backend_.Accept();
  DescriptorHog hog(1);
  SocketPeer second(proxy);
  EXPECT_TRUE(Eventually([&] { return Pauses() >= 1; }));
  hog.Free(1);
  SocketPeer third(proxy);
  // Three get free: two for the second session, and one, which is not enough for the third.
  first.Close();
  first_endpoint.FinishSending();
  SocketPeer second_endpoint = backend_.Accept();
  EXPECT_TRUE(Eventually([&] { return Pauses() >= 2; }));
  hog.FreeAll();
  second_endpoint.Send("second");
  EXPECT_EQ(second.Receive(6), "second");
  backend_.Accept().Send("third");
  EXPECT_EQ(third.Receive(5), "third");
}

TEST_F(Resources, WithoutPipesBytesAreCopied) {
  const SocketAddress proxy = WarmProxy();
  SocketPeer client(proxy);
  SocketPeer endpoint = backend_.Accept();
  DescriptorHog hog(0);
  const std::string upload = Pattern(5'000'000);
  std::thread sender([&] {
    client.Send(upload);
    client.FinishSending();
  });
  EXPECT_TRUE(endpoint.ReceiveAll() == upload);
  sender.join();
}

}  // namespace
}  // namespace sluice::dataplane::test
