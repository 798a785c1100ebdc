// Listening sockets through changes of configuration: kept, added, removed, moved, refused.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "tests/support/engine_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/socket_peer.h"
#include "tests/support/temp_dir.h"

namespace sluice::dataplane::test {
namespace {

using namespace std::chrono_literals;
using sluice::test::Eventually;
using ::testing::HasSubstr;

class Listening : public TcpEngineTest {
 protected:
  Listening() { StartEngine(2); }

  ListenerOptions Named(const std::string& name) {
    ListenerOptions options;
    options.name = name;
    return options;
  }
  // A session through `proxy` reaches `backend`.
  void ExpectServed(const SocketAddress& proxy, PeerListener& backend) {
    SocketPeer client(proxy);
    SocketPeer endpoint = backend.Accept();
    endpoint.Send("served");
    EXPECT_EQ(client.Receive(6), "served");
  }
  void ExpectRefused(const SocketAddress& proxy) {
    EXPECT_FALSE(SocketPeer::TryConnect(proxy).connected());
  }

  PeerListener backend_;
  sluice::test::TempDir dir_;
};

TEST_F(Listening, ASessionLivesThroughEveryChangeAndIsCountedAsOlder) {
  const SocketAddress proxy = FreeAddress();
  Publish({Listener(proxy, Upstream("upstream", {backend_.address()}))});
  SocketPeer client(proxy);
  SocketPeer endpoint = backend_.Accept();
  client.Send("1");
  EXPECT_EQ(endpoint.Receive(1), "1");
  EXPECT_EQ(engine_->sessions().on_older_config, 0U);

  PeerListener other;
  Publish({Listener(proxy, Upstream("upstream", {other.address()}))});
  EXPECT_EQ(engine_->sessions().open, 1U);
  EXPECT_EQ(engine_->sessions().on_older_config, 1U);
  ExpectServed(proxy, other);
  Publish({});
  ExpectRefused(proxy);
  client.Send("2");
  EXPECT_EQ(endpoint.Receive(1), "2");
  client.Close();
  endpoint.WaitForEnd();
  endpoint.Close();
  EXPECT_TRUE(Eventually([&] { return engine_->sessions().open == 0; }));
  EXPECT_EQ(engine_->sessions().on_older_config, 0U);
}

TEST_F(Listening, AnUnchangedListenerIsTheSameConfigAndItsSessionsAreNotOlder) {
  const SocketAddress proxy = FreeAddress();
  const auto listener = Listener(proxy, Upstream("upstream", {backend_.address()}));
  Publish({listener});
  SocketPeer client(proxy);
  SocketPeer endpoint = backend_.Accept();
  Publish({listener,
           Listener(FreeAddress(), Upstream("upstream", {backend_.address()}), Named("another"))});
  EXPECT_EQ(engine_->sessions().on_older_config, 0U);
}

TEST_F(Listening, AThousandListenersFollowTheirUpstreamWithoutBeingTouched) {
  PeerListener other;
  const auto before = Upstream("upstream", {backend_.address()});
  ListenerList listeners = {Listener(FreeAddress(), before, Named("l0"))};
  for (int i = 1; i < 1000; ++i) {
    // One path a listener: a thousand ports are not to be had from every machine.
    listeners.push_back(Listener(Address("unix:" + dir_.File(std::to_string(i))), before,
                                 Named("l" + std::to_string(i))));
  }
  const Published all = PublishAll(listeners);
  EXPECT_EQ(all.listeners, 1000U);
  EXPECT_EQ(all.upstreams, 1U);
  SocketPeer client(listeners[0]->address);
  SocketPeer endpoint = backend_.Accept();

  const auto after = Upstream("upstream", {other.address()});
  for (const auto& listener : listeners) Reform(listener, after);
  const Published one = PublishAll(listeners);
  EXPECT_EQ(one.listeners, 0U);
  EXPECT_EQ(one.upstreams, 1U);
  EXPECT_EQ(engine_->sessions().on_older_config, 0U) << "its listener is the one in force";
  ExpectServed(listeners[0]->address, other);
  ExpectServed(listeners[999]->address, other);
  client.Send("1");
  EXPECT_EQ(endpoint.Receive(1), "1") << "a session keeps the form it picked from";
}

TEST_F(Listening, NoConnectionIsLostWhileTheConfigurationChangesAllTheTime) {
  const SocketAddress proxy = FreeAddress();
  const auto upstream = Upstream("upstream", {backend_.address()});
  Publish({Listener(proxy, upstream)});
  std::atomic<bool> done{false};
  std::thread server([&] {
    while (!done.load()) {
      if (!backend_.HasWaiting()) {
        std::this_thread::yield();
        continue;
      }
      SocketPeer peer = backend_.Accept();
      peer.Send(peer.Receive(4));
    }
  });
  std::thread clients([&] {
    for (int i = 0; i < 300; ++i) {
      SocketPeer client(proxy);
      client.Send("echo");
      EXPECT_EQ(client.Receive(4), "echo");
    }
    done = true;
  });
  int changes = 0;
  while (!done.load()) {
    // The listener's name changes too: sockets are not known by it.
    Publish({Listener(proxy, upstream, Named(changes++ % 2 == 0 ? "one" : "two"))});
  }
  clients.join();
  server.join();
  EXPECT_GT(changes, 10);
}

TEST_F(Listening, WhatIsQueuedOnARemovedListenerIsStillServed) {
  StartEngine(1);
  std::promise<void> open;
  ListenerOptions options;
  options.in_phases = [opened = open.get_future().share()] { opened.wait(); };
  const SocketAddress proxy = FreeAddress();
  Publish({Listener(proxy, Upstream("upstream", {backend_.address()}), options)});
  // The worker waits in the phases of the first; the others stay in the kernel's queue.
  std::vector<SocketPeer> clients;
  for (int i = 0; i < 5; ++i) clients.emplace_back(proxy);
  std::thread publisher([&] { Publish({}); });
  open.set_value();
  for (int i = 0; i < 5; ++i) backend_.Accept().Send("late but served");
  for (SocketPeer& client : clients) EXPECT_EQ(client.Receive(15), "late but served");
  publisher.join();
  ExpectRefused(proxy);
}

TEST_F(Listening, APortThatAnotherProcessListensOnIsRefusedByNameAndSiblingsGoLive) {
  PeerListener foreign;
  const SocketAddress proxy = FreeAddress();
  const auto upstream = Upstream("upstream", {backend_.address()});
  const auto problems = Publish({Listener(foreign.address(), upstream, Named("taken")),
                                 Listener(proxy, upstream, Named("free"))});
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].listener, "taken");
  EXPECT_EQ(problems[0].reason, "AddressInUse");
  EXPECT_THAT(problems[0].message, HasSubstr(foreign.address().Text()));
  EXPECT_THAT(problems[0].message, HasSubstr("nothing is served"));
  ExpectServed(proxy, backend_);
}

TEST_F(Listening, AForeignSocketThatSharesItsPortIsNoticedToo) {
  UniqueFd foreign(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int one = 1;
  ASSERT_EQ(::setsockopt(foreign.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
  ASSERT_EQ(::setsockopt(foreign.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
  const SocketAddress address = FreeAddress();
  sockaddr_storage storage;
  const socklen_t length = address.ToSockaddr(storage);
  ASSERT_EQ(::bind(foreign.get(), reinterpret_cast<sockaddr*>(&storage), length), 0);
  ASSERT_EQ(::listen(foreign.get(), 10), 0);
  const auto problems = Publish({Listener(address, Upstream("upstream", {backend_.address()}))});
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].reason, "AddressInUse");
}

TEST_F(Listening, ARefusedListenerHealsWhenThePortIsFree) {
  PeerListener foreign(FreeAddress());
  const auto listener = Listener(foreign.address(), Upstream("upstream", {backend_.address()}));
  EXPECT_EQ(Publish({listener}).size(), 1U);
  foreign.Close();
  EXPECT_TRUE(Publish({listener}).empty());
  ExpectServed(listener->address, backend_);
}

TEST_F(Listening, AListenerThatMovesToATakenPortStaysAtItsEarlierOne) {
  PeerListener foreign;
  const SocketAddress proxy = FreeAddress();
  const auto upstream = Upstream("upstream", {backend_.address()});
  Publish({Listener(proxy, upstream)});
  const auto moved = Listener(foreign.address(), upstream);
  const auto problems = Publish({moved});
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].message, HasSubstr(proxy.Text() + " is still served"));
  ExpectServed(proxy, backend_);
  EXPECT_EQ(WaitForRecords(1)[0].local, proxy.Text()) << "where the client has connected to";
  EXPECT_EQ(Publish({moved}).size(), 1U) << "tried again, and still there";
  ExpectServed(proxy, backend_);
  foreign.Close();
  EXPECT_TRUE(Publish({moved}).empty());
  ExpectServed(moved->address, backend_);
}

TEST_F(Listening, AListenerThatCannotMoveIsAsWantedInAllElse) {
  PeerListener foreign;
  const SocketAddress proxy = FreeAddress();
  const auto upstream = Upstream("upstream", {backend_.address()});
  Publish({Listener(proxy, upstream)});
  ASSERT_EQ(Publish({Listener(foreign.address(), upstream, {.refuse = CloseReason::kAccessDenied})})
                .size(),
            1U);
  SocketPeer client(proxy);
  EXPECT_EQ(WaitForRecords(1)[0].reason, CloseReason::kAccessDenied);
}

TEST_F(Listening, AListenerThatMovesToAFreePortLeavesTheOldOne) {
  const SocketAddress before = FreeAddress();
  const SocketAddress after = FreeAddress();
  const auto upstream = Upstream("upstream", {backend_.address()});
  Publish({Listener(before, upstream)});
  EXPECT_TRUE(Publish({Listener(after, upstream)}).empty());
  ExpectServed(after, backend_);
  EXPECT_TRUE(Eventually([&] { return !SocketPeer::TryConnect(before).connected(); }));
}

TEST_F(Listening, TwoListenersMayExchangeTheirAddresses) {
  PeerListener other;
  const SocketAddress one = FreeAddress();
  const SocketAddress two = FreeAddress();
  const auto to_backend = Upstream("upstream", {backend_.address()});
  const auto to_other = Upstream("other", {other.address()});
  Publish({Listener(one, to_backend, Named("a")), Listener(two, to_other, Named("b"))});
  EXPECT_TRUE(Publish({Listener(two, to_backend, Named("a")), Listener(one, to_other, Named("b"))})
                  .empty());
  ExpectServed(two, backend_);
  ExpectServed(one, other);
}

TEST_F(Listening, AListenerThatIsRemovedAndComesBackIsServedAgain) {
  const SocketAddress proxy = FreeAddress();
  const auto listener = Listener(proxy, Upstream("upstream", {backend_.address()}));
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(Publish({listener}).empty());
    ExpectServed(proxy, backend_);
    EXPECT_TRUE(Publish({}).empty());
  }
}

TEST_F(Listening, AWildcardAndASpecificAddressOfOnePortGoTogether) {
  PeerListener other;
  const SocketAddress wildcard = FreeAddress("0.0.0.0");
  const SocketAddress specific = Address("127.0.0.2:" + std::to_string(wildcard.port()));
  const auto any = Listener(wildcard, Upstream("upstream", {backend_.address()}), Named("any"));
  EXPECT_TRUE(Publish({any}).empty());
  EXPECT_TRUE(
      Publish({any, Listener(specific, Upstream("other", {other.address()}), Named("specific"))})
          .empty());
  ExpectServed(specific, other);
  ExpectServed(Address("127.0.0.1:" + std::to_string(wildcard.port())), backend_);
}

TEST_F(Listening, AnAddressThatIsNotOursIsRefused) {
  const auto problems =
      Publish({Listener(Address("192.0.2.1:5000"), Upstream("upstream", {backend_.address()}))});
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].reason, "AddressNotAvailable");
}

TEST_F(Listening, SettingsChangeOnTheSocketThatIsInUse) {
  const SocketAddress proxy = FreeAddress();
  const auto upstream = Upstream("upstream", {backend_.address()});
  const auto accepted_buffer = [&] {
    SocketPeer client(proxy);
    SocketPeer endpoint = backend_.Accept();
    return endpoint.connected();
  };
  Publish({Listener(proxy, upstream)});
  ListenerOptions options;
  options.socket.backlog = 7;
  options.socket.receive_buffer = 20'000;
  options.socket.send_buffer = 20'000;
  options.socket.keepalive = SocketSettings::Keepalive{30, 5, 3};
  EXPECT_TRUE(Publish({Listener(proxy, upstream, options)}).empty());
  EXPECT_TRUE(accepted_buffer());
  EXPECT_TRUE(Publish({Listener(proxy, upstream)}).empty());
  EXPECT_TRUE(accepted_buffer());
}

bool Exists(const std::string& path) {
  struct stat status;
  return ::lstat(path.c_str(), &status) == 0;
}

TEST_F(Listening, AUnixSocketFileComesAndGoesWithItsListener) {
  const sluice::test::TempDir folder;
  const std::string path = folder.File("proxy.sock");
  const auto listener =
      Listener(Address("unix:" + path), Upstream("upstream", {backend_.address()}));
  EXPECT_TRUE(Publish({listener}).empty());
  ExpectServed(listener->address, backend_);
  EXPECT_TRUE(Publish({}).empty());
  EXPECT_FALSE(Exists(path));
  EXPECT_TRUE(Publish({listener}).empty());
  ExpectServed(listener->address, backend_);
  engine_->Shutdown(0ms);
  EXPECT_FALSE(Exists(path));
}

TEST_F(Listening, AStaleUnixSocketFileIsReplacedALiveOneIsNot) {
  const sluice::test::TempDir folder;
  const std::string path = folder.File("proxy.sock");
  PeerListener earlier(Address("unix:" + path));
  const auto listener =
      Listener(Address("unix:" + path), Upstream("upstream", {backend_.address()}));
  const auto problems = Publish({listener});
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].reason, "AddressInUse");
  earlier.Close();  // Leaves the file behind, as a crash does.
  ASSERT_TRUE(Exists(path));
  EXPECT_TRUE(Publish({listener}).empty());
  ExpectServed(listener->address, backend_);
}

TEST_F(Listening, AFileThatIsNoSocketIsLeftAlone) {
  const sluice::test::TempDir folder;
  const std::string path = folder.Write("precious.txt", "keep me");
  const auto problems =
      Publish({Listener(Address("unix:" + path), Upstream("upstream", {backend_.address()}))});
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].reason, "AddressInUse");
  EXPECT_THAT(problems[0].message, HasSubstr("not a socket"));
  EXPECT_EQ(sluice::test::ReadFile(path), "keep me");
}

}  // namespace
}  // namespace sluice::dataplane::test
