// However sessions end: each is opened once, closed once under one reason, and logged once with it.
// The real engine, phases and access-log writer; a listener for each way to end.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/engine/engine.h"
#include "dataplane/log/access_log.h"
#include "dataplane/phases/access_policy.h"
#include "dataplane/phases/connection_limit.h"
#include "dataplane/phases/key_limit.h"
#include "dataplane/phases/proxy_route.h"
#include "dataplane/variables/text_template.h"
#include "tests/support/eventually.h"
#include "tests/support/port_lease.h"
#include "tests/support/socket_peer.h"
#include "tests/support/temp_dir.h"

namespace sluice::dataplane::test {
namespace {

using namespace std::chrono_literals;
using sluice::test::Eventually;
using sluice::test::PortLease;
using sluice::test::TempDir;

// Sessions by listener and reason: `finishing finished` → 4.
using Tally = std::map<std::string, std::uint64_t>;

class SessionAccounting : public ::testing::Test {
 protected:
  static constexpr std::size_t kWorkers = 2;

  struct Limits {
    std::optional<std::uint32_t> connections = std::nullopt;
    std::optional<std::uint32_t> per_client = std::nullopt;
    bool deny = false;
    std::chrono::milliseconds idle = 60s;
  };

  void SetUp() override {
    engine_ = std::make_unique<Engine>(kWorkers);
    writer_ = StartAccessLogWriter();
    log_ = *writer_->Open(dir_.File("access.log"));
  }

  SocketAddress FreeAddress() {
    leases_.push_back(std::make_unique<PortLease>());
    return Address("127.0.0.1:" + std::to_string(leases_.back()->port()));
  }

  // A listener in front of `endpoints`; where to connect to once Publish() was called.
  SocketAddress AddListener(const std::string& name, const std::vector<SocketAddress>& endpoints,
                            const Limits& limits) {
    auto listener = std::make_shared<ListenerConfig>();
    listener->name = name;
    listener->address = FreeAddress();
    listener->tcp.idle_timeout = limits.idle;
    listener->shared = std::make_shared<ListenerShared>(name, kWorkers);
    upstreams_.push_back(Upstream(name, endpoints));
    listener->upstreams.push_back(upstreams_.back()->shared);
    std::vector<PhaseStep> steps;
    steps.push_back({Phase::kPreaccess,
                     MakeConnectionLimit(limits.connections, std::make_shared<SlotCounter>())});
    if (limits.per_client) {
      const auto key = *TextTemplate::Compile("$remote_addr", TextTemplate::Missing::kEmpty);
      steps.push_back({Phase::kPreaccess, MakeKeyLimit({{key, *limits.per_client,
                                                         std::make_shared<KeySlotTable>()}})});
    }
    steps.push_back(
        {Phase::kAccess, MakeAccessPolicy(BuildAccessPolicy(
                             {.name = "p", .default_allow = !limits.deny, .rules = {}}))});
    ProxyRoute route;
    route.targets.push_back({0});
    steps.push_back({Phase::kContent, MakeProxyRoute({route})});
    listener->phases = std::move(steps);
    const auto format =
        *TextTemplate::Compile("$listener $close_reason", TextTemplate::Missing::kDash);
    listener->access_log.push_back({format, log_});
    listeners_.push_back(listener);
    return listener->address;
  }
  SocketAddress AddListener(const std::string& name, const std::vector<SocketAddress>& endpoints) {
    return AddListener(name, endpoints, Limits());
  }

  void Publish() {
    auto config = std::make_shared<RuntimeConfig>();
    config->listeners = std::make_shared<const ListenerList>(listeners_);
    config->upstreams = upstreams_;
    const auto in_force = std::make_shared<std::promise<void>>();
    const auto problems = engine_->Publish(config, [in_force] { in_force->set_value(); }).problems;
    ASSERT_TRUE(problems.empty()) << problems.front().message;
    in_force->get_future().wait();
  }

  // Ends everything, also what is still open, and expects that log and counters say the same: the
  // answer.
  Tally EndAndCompare() {
    engine_->Shutdown(0ms);
    EXPECT_EQ(engine_->sessions().open, 0U);
    engine_.reset();
    EXPECT_EQ(writer_->lost(), 0U);
    writer_.reset();
    const Tally closed = Closed();
    EXPECT_EQ(Logged(), closed);
    std::uint64_t all = 0;
    for (const auto& [key, count] : closed) all += count;
    std::uint64_t opened = 0;
    for (const auto& listener : listeners_) {
      const auto& counters = listener->shared->counters;
      opened += counters.Sum([](const auto& c) -> const Counter& { return c.sessions_opened; });
      EXPECT_EQ(counters.Sum([](const auto& c) -> const Counter& { return c.access_log_dropped; }),
                0U);
    }
    EXPECT_EQ(opened, all);
    for (const auto& state : states_) EXPECT_EQ(state->open.load(), 0U);
    return closed;
  }

  std::uint64_t CountClosed(const std::string& name, CloseReason reason) const {
    for (const auto& listener : listeners_) {
      if (listener->name == name) return CountOf(*listener, reason);
    }
    return 0;
  }
  bool WaitForClosed(const std::string& name, CloseReason reason, std::uint64_t count) const {
    return Eventually([&] { return CountClosed(name, reason) >= count; });
  }

  std::unique_ptr<Engine> engine_;

 private:
  static std::uint64_t CountOf(const ListenerConfig& listener, CloseReason reason) {
    return listener.shared->counters.Sum([&](const auto& c) -> const Counter& {
      return c.sessions_closed[static_cast<std::size_t>(reason)];
    });
  }

  std::shared_ptr<const UpstreamConfig> Upstream(const std::string& name,
                                                 const std::vector<SocketAddress>& endpoints) {
    std::vector<BalanceEndpoint> set;
    for (const SocketAddress& address : endpoints) {
      states_.push_back(std::make_shared<EndpointState>());
      BalanceEndpoint& endpoint = set.emplace_back();
      endpoint.address = address;
      endpoint.text = address.Text();
      endpoint.state = states_.back();
    }
    // An endpoint that failed stays in use, so that each session fails alike.
    constexpr PassiveHealth kNoHealth{.max_fails = 0};
    auto upstream = std::make_shared<UpstreamConfig>();
    upstream->name = name;
    upstream->balancer =
        std::make_unique<const Balancer>(BalancePolicy::kRoundRobin, std::move(set), kNoHealth);
    upstream->shared = std::make_shared<UpstreamShared>(
        name, static_cast<std::uint32_t>(upstreams_.size()), kWorkers);
    return upstream;
  }

  Tally Closed() const {
    Tally tally;
    for (const auto& listener : listeners_) {
      for (const CloseReasonRow& row : CloseReasons()) {
        const std::uint64_t count = CountOf(*listener, row.reason);
        if (count != 0) tally[listener->name + ' ' + std::string(row.token)] = count;
      }
    }
    return tally;
  }

  Tally Logged() const {
    Tally tally;
    std::ifstream file(dir_.File("access.log"));
    for (std::string line; std::getline(file, line);) ++tally[line];
    return tally;
  }

  const TempDir dir_;
  std::vector<std::unique_ptr<PortLease>> leases_;
  std::unique_ptr<AccessLogWriter> writer_;
  std::shared_ptr<LogDestination> log_;
  std::vector<std::shared_ptr<const ListenerConfig>> listeners_;
  std::vector<std::shared_ptr<const UpstreamConfig>> upstreams_;
  std::vector<std::shared_ptr<EndpointState>> states_;
};

TEST_F(SessionAccounting, EverySessionIsClosedAndLoggedOnceUnderTheReasonItEndedWith) {
  constexpr std::uint64_t kEach = 5;
  PeerListener backend;
  const SocketAddress finishing = AddListener("finishing", {backend.address()});
  const SocketAddress denied = AddListener("denied", {backend.address()}, {.deny = true});
  const SocketAddress limited = AddListener("limited", {backend.address()}, {.connections = 1});
  const SocketAddress keyed = AddListener("keyed", {backend.address()}, {.per_client = 1});
  const SocketAddress empty = AddListener("empty", {});
  const SocketAddress dead = AddListener("dead", {FreeAddress()});
  const SocketAddress idle = AddListener("idle", {backend.address()}, {.idle = 30ms});
  const SocketAddress resetting = AddListener("resetting", {backend.address()});
  const SocketAddress open = AddListener("open", {backend.address()});
  ASSERT_NO_FATAL_FAILURE(Publish());

  for (std::uint64_t i = 1; i <= kEach; ++i) {
    for (const SocketAddress& refused : {denied, empty, dead}) {
      SocketPeer client(refused);
      client.WaitForEnd();
    }
    {
      SocketPeer client(finishing);
      SocketPeer endpoint = backend.Accept();
      client.Send("question");
      EXPECT_EQ(endpoint.Receive(8), "question");
      client.FinishSending();
      endpoint.Close();
      client.WaitForEnd();
    }
    {
      SocketPeer client(idle);
      SocketPeer endpoint = backend.Accept();
      client.WaitForEnd();
    }
    {
      SocketPeer client(resetting);
      SocketPeer endpoint = backend.Accept();
      client.Send("x");
      EXPECT_EQ(endpoint.Receive(1), "x");
      client.Reset();
      EXPECT_EQ(endpoint.WaitForEnd(), Ending::kReset);
    }
    {
      SocketPeer client(resetting);
      SocketPeer endpoint = backend.Accept();
      endpoint.Send("x");
      EXPECT_EQ(client.Receive(1), "x");
      endpoint.Reset();
      EXPECT_EQ(client.WaitForEnd(), Ending::kReset);
    }
  }
  for (const SocketAddress& full : {limited, keyed}) {
    SocketPeer holder(full);
    SocketPeer endpoint = backend.Accept();
    for (std::uint64_t i = 0; i < kEach; ++i) {
      SocketPeer refused(full);
      refused.WaitForEnd();
    }
    holder.Close();
    endpoint.Close();
  }
  ASSERT_TRUE(WaitForClosed("limited", CloseReason::kFinished, 1));
  ASSERT_TRUE(WaitForClosed("keyed", CloseReason::kFinished, 1));
  ASSERT_TRUE(WaitForClosed("finishing", CloseReason::kFinished, kEach));
  SocketPeer still_open(open);
  SocketPeer still_open_endpoint = backend.Accept();

  const Tally expected{{"finishing finished", kEach},       {"denied access_denied", kEach},
                       {"limited connection_limit", kEach}, {"limited finished", 1},
                       {"keyed key_limit", kEach},          {"keyed finished", 1},
                       {"empty no_endpoint", kEach},        {"dead connect_failed", kEach},
                       {"idle idle_timeout", kEach},        {"resetting client_reset", kEach},
                       {"resetting endpoint_reset", kEach}, {"open shutdown", 1}};
  EXPECT_EQ(EndAndCompare(), expected);
}

// Many clients at once, each ending as it likes, through a limit that refuses some of them:
// whatever happened, the three accounts agree.
TEST_F(SessionAccounting, TheLogAndTheCountersAgreeUnderLoad) {
  constexpr int kClients = 4;
  constexpr int kSessions = 40;
  PeerListener backend;
  const SocketAddress proxy =
      AddListener("busy", {backend.address()}, {.connections = 3, .per_client = 2});
  ASSERT_NO_FATAL_FAILURE(Publish());

  std::atomic<bool> stop{false};
  std::thread endpoint([&] {
    for (int i = 0; !stop.load(); ++i) {
      if (!backend.HasWaiting()) {
        std::this_thread::yield();
        continue;
      }
      SocketPeer peer = backend.Accept();
      if (i % 3 == 0) peer.Reset();
    }
  });
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      for (int i = 0; i < kSessions; ++i) {
        SocketPeer client = SocketPeer::TryConnect(proxy);
        if (!client.connected()) continue;
        client.SendSome("hello");
        if ((i + c) % 4 == 0) {
          client.Reset();
        } else if ((i + c) % 4 == 1) {
          client.Close();
        } else {
          client.ReceiveAll();
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(Eventually([&] { return engine_->sessions().open == 0; }));
  stop.store(true);
  endpoint.join();
  std::uint64_t sessions = 0;
  for (const auto& [ending, count] : EndAndCompare()) sessions += count;
  EXPECT_LE(sessions, std::uint64_t{kClients} * kSessions);
  EXPECT_GT(sessions, 0U);
}

}  // namespace
}  // namespace sluice::dataplane::test
