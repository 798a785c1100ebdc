#include "tests/support/engine_fixture.h"

#include <cstring>
#include <future>
#include <random>
#include <utility>

#include "dataplane/variables/text_template.h"
#include "tests/support/eventually.h"

namespace sluice::dataplane::test {
namespace {

using sluice::test::Eventually;

// The record travels as the number of a pointer, so that no text format stands between.
void AppendRecord(const SessionState& session, std::string& out) {
  auto* record = new Record{
      session.close_reason,    session.phase,
      session.bytes_received,  session.bytes_sent,
      session.client.Text(),   session.local.Text(),
      session.attempts.size(), session.attempts.empty() ? Attempt{} : session.attempts.back()};
  out += std::to_string(reinterpret_cast<std::uintptr_t>(record));
}

class RouteTo final : public PhaseHandler {
 public:
  RouteTo(CloseReason refuse, std::function<void()> first)
      : refuse_(refuse), first_(std::move(first)) {}
  Verdict Run(SessionState& session, const FirstBytes&) const override {
    if (first_) first_();
    if (refuse_ != CloseReason::kOpen) return Verdict::Close(refuse_);
    session.route = 0;
    return Verdict::NextPhase();
  }

 private:
  const CloseReason refuse_;
  const std::function<void()> first_;
};

}  // namespace

bool RecordedLog::Write(std::string_view line) {
  const std::unique_ptr<Record> record(reinterpret_cast<Record*>(std::stoull(std::string(line))));
  const std::lock_guard lock(mutex_);
  records_.push_back(*record);
  return true;
}

std::vector<Record> RecordedLog::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

std::size_t RecordedLog::size() const {
  const std::lock_guard lock(mutex_);
  return records_.size();
}

void EngineTest::StartEngine(std::size_t workers) { engine_ = std::make_unique<Engine>(workers); }

// Whatever a test did: every session that was opened has been closed and logged once.
void EngineTest::TearDown() {
  if (engine_ == nullptr) return;
  engine_->Shutdown(std::chrono::milliseconds(0));
  EXPECT_EQ(engine_->sessions().open, 0U);
  EXPECT_EQ(engine_->sessions().on_older_config, 0U);
  engine_.reset();
  std::uint64_t opened = 0;
  std::uint64_t closed = 0;
  for (const auto& [name, shared] : listeners_) {
    opened +=
        CountListener(name, [](const auto& c) -> const Counter& { return c.sessions_opened; });
    for (std::size_t reason = 0; reason < static_cast<std::size_t>(CloseReason::kCount); ++reason) {
      closed += CountListener(
          name, [&](const auto& c) -> const Counter& { return c.sessions_closed[reason]; });
    }
  }
  EXPECT_EQ(opened, closed);
  EXPECT_EQ(log_->size(), closed);
  for (const auto& [address, state] : states_) EXPECT_EQ(state->open.load(), 0U) << address.Text();
}

std::shared_ptr<EndpointState> EngineTest::States(const SocketAddress& endpoint) {
  auto& state = states_[endpoint];
  if (state == nullptr) state = std::make_shared<EndpointState>();
  return state;
}

std::shared_ptr<const UpstreamConfig> EngineTest::Upstream(
    const std::string& name, const std::vector<SocketAddress>& endpoints, UpstreamOptions options) {
  auto& shared = upstreams_[name];
  if (shared == nullptr) {
    const auto slot = static_cast<std::uint32_t>(upstreams_.size() - 1);
    shared = std::make_shared<UpstreamShared>(name, slot, engine_->workers());
  }
  std::vector<BalanceEndpoint> set;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    BalanceEndpoint endpoint;
    endpoint.address = endpoints[i];
    endpoint.text = endpoints[i].Text();
    if (!options.max_connections.empty()) endpoint.max_connections = options.max_connections[i];
    endpoint.state = States(endpoints[i]);
    set.push_back(std::move(endpoint));
  }
  auto upstream = std::make_shared<UpstreamConfig>();
  upstream->name = name;
  upstream->health = options.health;
  upstream->balancer =
      std::make_unique<const Balancer>(BalancePolicy::kRoundRobin, std::move(set), options.health);
  upstream->shared = shared;
  return upstream;
}

std::shared_ptr<const ListenerConfig> EngineTest::Listener(
    const SocketAddress& address, std::shared_ptr<const UpstreamConfig> upstream,
    ListenerOptions options) {
  auto& shared = listeners_[options.name];
  if (shared == nullptr) {
    shared = std::make_shared<ListenerShared>(options.name, engine_->workers());
  }
  auto listener = std::make_shared<ListenerConfig>();
  listener->name = options.name;
  listener->address = address;
  listener->protocol = protocol_;
  listener->socket = options.socket;
  listener->tcp = options.tcp;
  listener->udp = options.udp;
  PhaseChain steps;
  if (options.add_steps) options.add_steps(steps);
  steps.push_back({Phase::kContent, std::make_unique<RouteTo>(options.refuse, options.in_phases)});
  listener->phases = std::move(steps);
  std::vector<TextTemplate::Part> parts;
  parts.push_back({"", AppendRecord});
  auto format =
      std::make_shared<const TextTemplate>(std::move(parts), TextTemplate::Missing::kDash);
  listener->access_log.push_back({std::move(format), log_});
  listener->upstreams.push_back(upstream->shared);
  listener->shared = shared;
  form_of_[listener.get()] = std::move(upstream);
  return listener;
}

SocketAddress EngineTest::FreeAddress(const std::string& host) {
  leases_.push_back(std::make_unique<sluice::test::PortLease>());
  return Address(host + ":" + std::to_string(leases_.back()->port()));
}

Published EngineTest::PublishAll(ListenerList listeners) {
  auto config = std::make_shared<RuntimeConfig>();
  for (const auto& listener : listeners) {
    const auto& upstream = form_of_.at(listener.get());
    const std::size_t slot = upstream->shared->slot;
    if (slot >= config->upstreams.size()) config->upstreams.resize(slot + 1);
    config->upstreams[slot] = upstream;
  }
  if (*published_ != listeners) {
    published_ = std::make_shared<const ListenerList>(std::move(listeners));
  }
  config->listeners = published_;
  const auto in_force = std::make_shared<std::promise<void>>();
  Published published = engine_->Publish(config, [in_force] { in_force->set_value(); });
  in_force->get_future().wait();
  return published;
}

SocketAddress EngineTest::Proxy(const SocketAddress& endpoint, ListenerOptions options) {
  if (engine_ == nullptr) StartEngine();
  const SocketAddress address = FreeAddress();
  const auto problems = Publish({Listener(address, Upstream("upstream", {endpoint}), options)});
  EXPECT_TRUE(problems.empty()) << problems.front().message;
  return address;
}

std::vector<Record> EngineTest::WaitForRecords(std::size_t count) {
  EXPECT_TRUE(Eventually([&] { return log_->size() >= count; }))
      << log_->size() << " of " << count << " records";
  return log_->records();
}

std::uint64_t EngineTest::CountListener(
    const std::string& name, std::function<const Counter&(const ListenerCounters&)> select) {
  return listeners_.at(name)->counters.Sum(select);
}

std::uint64_t EngineTest::CountUpstream(
    const std::string& name, std::function<const Counter&(const UpstreamCounters&)> select) {
  return upstreams_.at(name)->counters.Sum(select);
}

std::string Pattern(std::size_t size, std::uint32_t seed) {
  std::string bytes(size, '\0');
  std::mt19937 random(seed);
  std::size_t i = 0;
  for (; i + 4 <= size; i += 4) {
    const std::uint32_t word = static_cast<std::uint32_t>(random());
    std::memcpy(&bytes[i], &word, 4);
  }
  for (; i < size; ++i) bytes[i] = static_cast<char>(random());
  return bytes;
}

}  // namespace sluice::dataplane::test
