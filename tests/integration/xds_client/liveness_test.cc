// The link to a control plane that is gone without a word, and to one that does not like pings.
#include <gtest/gtest.h>
#include <signal.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <atomic>
#include <chrono>
#include <thread>

#include "dataplane/discovery/control_plane_link.h"
#include "tests/integration/xds_client/scripted_ads.h"
#include "tests/support/eventually.h"
#include "tests/support/port_lease.h"
#include "tests/support/sluice_processes.h"

namespace sluice::test {
namespace {

using dataplane::ControlPlaneLink;

// A link on a control thread of its own, that pings often.
class RunningLink {
 public:
  RunningLink(std::vector<std::string> addresses, std::chrono::milliseconds ping_patience)
      : link_(std::make_unique<ControlPlaneLink>(
            control_, SettingsFor(std::move(addresses), ping_patience), EventsHere())) {
    link_->Start();
    thread_ = std::thread([this] { control_.run(); });
  }
  ~RunningLink() {
    control_.stop();
    thread_.join();
    link_ = nullptr;
  }
  int connected() const { return connected_; }

 private:
  static ControlPlaneLink::Settings SettingsFor(std::vector<std::string> addresses,
                                                std::chrono::milliseconds ping_patience) {
    ControlPlaneLink::Settings settings;
    settings.addresses = std::move(addresses);
    settings.node = {"node-1", {}};
    settings.ping_after = std::chrono::seconds(1);
    settings.ping_patience = ping_patience;
    return settings;
  }
  ControlPlaneLink::Events EventsHere() {
    return {.on_swap = [](const dataplane::StagedSwap&) {},
            .on_refusals = [] {},
            .on_connected = [this] { ++connected_; },
            .on_disconnected = [] {},
            .make_report = [] { return v1::NodeReport(); }};
  }

  asio::io_context control_;
  asio::executor_work_guard<asio::io_context::executor_type> work_{control_.get_executor()};
  std::unique_ptr<ControlPlaneLink> link_;
  std::atomic<int> connected_ = 0;
  std::thread thread_;
};

TEST(Liveness, AControlPlaneThatIsGoneWithoutAWordIsGivenUp) {
  ControlPlane silent;
  const PortLease port;
  const RunningLink link({silent.xds(), port.Address()}, std::chrono::seconds(1));
  ASSERT_TRUE(Eventually([&] { return link.connected() == 1; }));
  ScriptedAds other(port.Address(), false);
  silent.process().Signal(SIGSTOP);  // Its kernel still takes what is sent.
  other.NextStream();
}

// The last reference to a channel must not go on one of gRPC's threads, which would wait for
// itself.
TEST(Liveness, ALinkMayEndAtAnyMoment) {
  const PortLease port;
  const ScriptedAds ads(port.Address(), false);
  for (int i = 0; i < 100; ++i) {
    const RunningLink link({port.Address()}, kPatience);
    if (i % 2 == 0) {
      ASSERT_TRUE(Eventually([&] { return link.connected() == 1; }));
    }
  }
}

TEST(Liveness, AControlPlaneThatForbidsPingsIsAskedAsSeldomAsAllOfThemTolerate) {
  const PortLease port;
  ScriptedAds ads(port.Address(), false);  // With gRPC's default: no two within five minutes.
  // However late an answer to a ping is, only the server ends the stream.
  const RunningLink link({port.Address()}, kPatience);
  ASSERT_TRUE(Eventually([&] { return link.connected() == 2; }));
  // One comes every five seconds; the link would have been cut off again by the second one.
  const int reports = ads.reports();
  EXPECT_TRUE(Eventually([&] { return ads.reports() >= reports + 2; }));
  EXPECT_EQ(link.connected(), 2);
}

}  // namespace
}  // namespace sluice::test
