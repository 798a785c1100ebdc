// An engine with listeners and upstreams built by hand, as compile/ would build them, and a log
// that tests can read.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/engine/engine.h"
#include "tests/support/address.h"
#include "tests/support/port_lease.h"

namespace sluice::dataplane::test {

// What a log record said.
struct Record {
  CloseReason reason;
  std::optional<Phase> phase;  // That closed it.
  std::uint64_t bytes_received;
  std::uint64_t bytes_sent;
  std::string client;
  std::string local;
  std::size_t attempts;
  Attempt last_attempt;
};

class RecordedLog final : public LogDestination {
 public:
  bool Write(std::string_view line) override;
  std::vector<Record> records() const;
  std::size_t size() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Record> records_;
};

class EngineTest : public ::testing::Test {
 protected:
  explicit EngineTest(Protocol protocol) : protocol_(protocol) {}

  struct UpstreamOptions {
    PassiveHealth health = {};
    std::vector<std::uint32_t> max_connections = {};  // By endpoint; none: no limits.
  };
  struct ListenerOptions {
    std::string name = "listener";
    TcpSettings tcp = {};
    UdpSettings udp = {};
    SocketSettings socket = {};
    CloseReason refuse = CloseReason::kOpen;  // A phase handler answers this.
    std::function<void()> in_phases = {};     // Runs on the worker, before the upstream is chosen.
    std::function<void(PhaseChain&)> add_steps = {};  // Before that.
  };

  // By default one worker: what has to be spread is tested with more.
  void StartEngine(std::size_t workers = 1);
  void TearDown() override;

  // The same name gives the same UpstreamShared, as through a change of configuration.
  std::shared_ptr<const UpstreamConfig> Upstream(const std::string& name,
                                                 const std::vector<SocketAddress>& endpoints,
                                                 UpstreamOptions options);
  std::shared_ptr<const UpstreamConfig> Upstream(const std::string& name,
                                                 const std::vector<SocketAddress>& endpoints) {
    return Upstream(name, endpoints, UpstreamOptions());
  }
  std::shared_ptr<const ListenerConfig> Listener(const SocketAddress& address,
                                                 std::shared_ptr<const UpstreamConfig> upstream,
                                                 ListenerOptions options);
  std::shared_ptr<const ListenerConfig> Listener(const SocketAddress& address,
                                                 std::shared_ptr<const UpstreamConfig> upstream) {
    return Listener(address, std::move(upstream), ListenerOptions());
  }

  // A port of `host` (IPv6 in brackets) that no other test has.
  SocketAddress FreeAddress(const std::string& host = "127.0.0.1");

  // Publishes and waits until it is in force.
  std::vector<BindProblem> Publish(ListenerList listeners) {
    return PublishAll(std::move(listeners)).problems;
  }
  // As Publish(), for what the engine says of it.
  Published PublishAll(ListenerList listeners);
  // From the next Publish() on `upstream` is the form of the upstream that `listener` refers to.
  void Reform(const std::shared_ptr<const ListenerConfig>& listener,
              std::shared_ptr<const UpstreamConfig> upstream) {
    form_of_[listener.get()] = std::move(upstream);
  }
  // One listener on a free port in front of `endpoint`; where to connect to.
  SocketAddress Proxy(const SocketAddress& endpoint, ListenerOptions options);
  SocketAddress Proxy(const SocketAddress& endpoint) { return Proxy(endpoint, ListenerOptions()); }

  // Waits until so many sessions have ended, and answers their records.
  std::vector<Record> WaitForRecords(std::size_t count);
  std::uint64_t CountListener(const std::string& name,
                              std::function<const Counter&(const ListenerCounters&)> select);
  std::uint64_t CountUpstream(const std::string& name,
                              std::function<const Counter&(const UpstreamCounters&)> select);
  EndpointState& State(const SocketAddress& endpoint) { return *States(endpoint); }

  std::unique_ptr<Engine> engine_;

 private:
  std::shared_ptr<EndpointState> States(const SocketAddress& endpoint);

  const Protocol protocol_;  // Of every listener.
  std::vector<std::unique_ptr<sluice::test::PortLease>> leases_;
  std::shared_ptr<const ListenerList> published_ = std::make_shared<ListenerList>();
  std::map<std::string, std::shared_ptr<UpstreamShared>> upstreams_;
  std::map<std::string, std::shared_ptr<ListenerShared>> listeners_;
  std::map<const ListenerConfig*, std::shared_ptr<const UpstreamConfig>> form_of_;
  std::map<SocketAddress, std::shared_ptr<EndpointState>> states_;
  std::shared_ptr<RecordedLog> log_ = std::make_shared<RecordedLog>();
};

class TcpEngineTest : public EngineTest {
 protected:
  TcpEngineTest() : EngineTest(Protocol::kTcp) {}
};

class UdpEngineTest : public EngineTest {
 protected:
  UdpEngineTest() : EngineTest(Protocol::kUdp) {}
};

// `size` bytes that no shift or swap leaves alike.
std::string Pattern(std::size_t size, std::uint32_t seed = 1);

}  // namespace sluice::dataplane::test
