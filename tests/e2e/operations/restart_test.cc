// A new process of a data plane is started while the one before still drains.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>

#include "tests/support/sluice_processes.h"
#include "tests/support/socket_peer.h"
#include "tests/support/tag_server.h"
#include "tests/support/tcp_client.h"
#include "tests/support/udp_peer.h"

namespace sluice::test {
namespace {

using dataplane::test::SocketPeer;
using dataplane::test::UdpEcho;
using dataplane::test::UdpPeer;
using testing::ContainsRegex;
using testing::HasSubstr;

std::size_t Count(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

class Restart : public testing::Test {
 protected:
  std::unique_ptr<DataPlane> Start(DataPlaneOptions options) {
    options.control_plane = control_plane_->xds();
    auto data_plane = std::make_unique<DataPlane>(options);
    ApplyAndWait(control_plane_->api(), ProxyManifest(front_.Address(), a_.address()));
    return data_plane;
  }

  const TagServer a_{'a'};
  const TagServer b_{'b'};
  const PortLease front_;
  const std::unique_ptr<ControlPlane> control_plane_ = std::make_unique<ControlPlane>();
};

TEST_F(Restart, TheNewProcessServesWhileTheOldOneDrains) {
  const auto data_plane = Start({});
  TcpClient session(front_.Address());
  ASSERT_EQ(session.Receive(1), "a");
  data_plane->process().Signal(SIGTERM);
  const auto before = data_plane->StartSuccessor();
  ASSERT_TRUE(Eventually([&] { return TagAt(front_.Address()) == 'a'; }));
  EXPECT_TRUE(Eventually([&] { return data_plane->Ready(); }));
  EXPECT_TRUE(before->Running());
  EXPECT_TRUE(session.Send("draining"));
  EXPECT_EQ(session.Receive(8), "draining");

  // It is the node now, alone.
  ApplyAndWait(control_plane_->api(), ProxyManifest(front_.Address(), b_.address()));
  EXPECT_EQ(TagAt(front_.Address()), 'b');
  EXPECT_THAT(Ctl(control_plane_->api(), {"fleet"}).out,
              ContainsRegex("\nnode-1 +[0-9.]+ +True +2 +2 +True "));
  session.Close();
  EXPECT_EQ(before->Wait(), 0) << before->Err();
  EXPECT_EQ(data_plane->Stop(), 0);
  control_plane_->Kill();
  data_plane->Start();
  EXPECT_TRUE(Eventually([&] { return TagAt(front_.Address()) == 'b'; }))
      << "the old process has not written over what the new one saved";
}

TEST_F(Restart, ANewProcessMayStartWhileListenersOfTheOldOneGoOn) {
  const auto data_plane = Start({.shutdown_delay = "3s"});
  TcpClient session(front_.Address());
  ASSERT_EQ(session.Receive(1), "a");
  data_plane->process().Signal(SIGTERM);
  const auto before = data_plane->StartSuccessor();
  EXPECT_TRUE(Eventually([&] {
    return data_plane->process().Err().find("event=control_plane_connected") != std::string::npos;
  }));
  EXPECT_THAT(data_plane->Admin("/readyz"), HasSubstr("shutting down")) << "says the old one";
  EXPECT_TRUE(
      Eventually([&] { return data_plane->Metric("sluice_control_plane_connected") == 0; }));
  EXPECT_EQ(TagAt(front_.Address()), 'a');
  EXPECT_TRUE(Eventually([&] { return data_plane->Ready(); })) << data_plane->process().Err();
  EXPECT_TRUE(Eventually([&] { return TagAt(front_.Address()) == 'a'; }));
  EXPECT_TRUE(before->Running());
  EXPECT_TRUE(session.Send("draining"));
  EXPECT_EQ(session.Receive(8), "draining");
  // Neither takes the node's place at the control plane from the other, again and again.
  EXPECT_EQ(Count(before->Err(), "event=control_plane_connected"), 1);
  EXPECT_EQ(Count(data_plane->process().Err(), "event=control_plane_connected"), 1);
  session.Close();
  EXPECT_EQ(before->Wait(), 0) << before->Err();
  EXPECT_TRUE(Eventually([&] { return data_plane->Ready(); }));
}

TEST(RestartWithAFile, UnixSocketsAreTakenOverAndStay) {
  const TempDir dir;
  const TagServer a('a');
  const std::string front = "unix:" + dir.File("front.sock");
  const std::string admin = "unix:" + dir.File("admin.sock");
  const std::string config = dir.Write("config.yaml", ProxyManifest(front, a.address()));
  const std::vector<std::string> command = {
      BinPath("sluice-dataplane"), "--config", config, "--admin", admin,
      "--shutdown-delay",          "100ms"};
  const auto served = [&] {
    SocketPeer client = SocketPeer::TryConnect(*SocketAddress::Parse(front));
    return client.connected() && client.Receive(1) == "a";
  };
  Process before(command);
  ASSERT_TRUE(Eventually(served));
  SocketPeer session(*SocketAddress::Parse(front));
  ASSERT_EQ(session.Receive(1), "a");
  before.Signal(SIGTERM);
  Process after(command);
  EXPECT_TRUE(Eventually([&] {
    SocketPeer probe = SocketPeer::TryConnect(*SocketAddress::Parse(admin));
    if (!probe.connected()) return false;
    probe.Send("GET /readyz HTTP/1.0\r\n\r\n");
    return probe.ReceiveAll().find(" 200 ") != std::string::npos;
  })) << after.Err();
  EXPECT_TRUE(Eventually(served));
  EXPECT_TRUE(before.Running());
  session.Close();
  EXPECT_EQ(before.Wait(), 0) << before.Err();
  EXPECT_TRUE(served()) << "the old process has not removed the new one's socket";
}

TEST(RestartWithAFile, AUdpAddressIsTakenWhenTheLastFlowOfTheOldProcessHasEnded) {
  const TempDir dir;
  const UdpEcho echo;
  const PortLease front;
  const std::string config = dir.Write(
      "config.yaml",
      fmt::format("apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {{name: echo}}\n"
                  "spec: {{endpoints: [{{address: \"{}\"}}]}}\n---\n"
                  "apiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {{name: front}}\n"
                  "spec: {{address: \"{}\", protocol: UDP, udp: {{idle: 1s}}, routes: [{{proxy: "
                  "{{upstream: echo}}}}]}}\n",
                  echo.address().Text(), front.Address()));
  DataPlane data_plane({.config = config});
  ASSERT_TRUE(Eventually([&] { return data_plane.Ready(); }));
  const auto to = *SocketAddress::Parse(front.Address());
  UdpPeer client;
  client.SendTo(to, "one");
  ASSERT_EQ(client.ReceiveBytes(), "one");
  data_plane.process().Signal(SIGTERM);
  const auto before = data_plane.StartSuccessor();
  client.SendTo(to, "two");
  EXPECT_EQ(client.ReceiveBytes(), "two") << "the old process still has the flow";
  EXPECT_EQ(before->Wait(), 0) << before->Err();
  UdpPeer other;
  EXPECT_TRUE(Eventually([&] {
    other.SendTo(to, "new");
    return !other.IsEmpty();
  }));
}

}  // namespace
}  // namespace sluice::test
