// The binary: flags, start, health, stop, crash.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/api/api_connection.h"
#include "tests/support/process.h"
#include "tests/support/raw_peer.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/source_tree.h"
#include "tests/support/temp_dir.h"

namespace sluice {
namespace {

using test::BinPath;
using test::Process;
using test::SampleUpstream;
using testing::HasSubstr;

const std::string kProbe = test::SourceFile("tests/integration/api/grpc_port_probe.py");

class ControlPlaneProcess : public testing::Test {
 protected:
  std::vector<std::string> Command(std::vector<std::string> more = {}) const {
    std::vector<std::string> command = {BinPath("sluice-controlplane"), "--store",
                                        "sqlite:" + dir_.File("store.db")};
    command.insert(command.end(), more.begin(), more.end());
    return command;
  }
  static std::vector<std::string> AnyPorts() {
    return {"--api", "127.0.0.1:0", "--xds", "127.0.0.1:0"};
  }
  // Value of `key` on the ready line, once it is there.
  static std::string Ready(const Process& process, const std::string& key) {
    EXPECT_TRUE(test::Eventually([&] {
      return process.Err().find("event=ready") != std::string::npos;
    })) << process.Err();
    const std::string log = process.Err();
    const auto begin = log.find(" " + key + "=", log.find("event=ready")) + key.size() + 2;
    return log.substr(begin, log.find_first_of(" \n", begin) - begin);
  }
  // Starts it, expects it to refuse, and returns what it says.
  static std::string Refusal(const std::vector<std::string>& command) {
    Process process(command);
    EXPECT_EQ(process.Wait(), 1) << process.Err();
    return process.Err();
  }

  test::TempDir dir_;
};

TEST_F(ControlPlaneProcess, ServesOnThePortsItSaysAndStopsWhenTold) {
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
    Process process(Command(AnyPorts()));
    test::ApiConnection api(Ready(process, "api"));
    EXPECT_NE(Ready(process, "xds"), Ready(process, "api"));
    v1::WatchRequest request;
    request.set_kind("Upstream");
    test::WatchReader watch(api, request);
    EXPECT_EQ(watch.Next(), "SYNCED");
    process.Signal(signal);
    EXPECT_THAT(watch.Next(), HasSubstr("is stopping"));
    EXPECT_EQ(process.Wait(), 0) << process.Err();
  }
}

// A client that leaves its streams open, as one that hangs does, is told and then left.
TEST_F(ControlPlaneProcess, AnswersHealthAndReflectionUntilItStops) {
  Process process(Command(AnyPorts()));
  Process api({"/usr/bin/python3", kProbe, Ready(process, "api")});
  Process xds({"/usr/bin/python3", kProbe, Ready(process, "xds")});
  for (Process* probe : {&api, &xds}) {
    ASSERT_TRUE(test::Eventually([&] {
      return probe->Out().find("{\"watch\": 1}") != std::string::npos || !probe->Running();
    }));
    EXPECT_THAT(probe->Out(), HasSubstr("{\"health\": 1}")) << probe->Err();
  }
  EXPECT_THAT(api.Out(), HasSubstr("[\"grpc.health.v1.Health\", "
                                   "\"grpc.reflection.v1alpha.ServerReflection\", "
                                   "\"sluice.v1.ResourceService\"]"));
  EXPECT_THAT(xds.Out(), HasSubstr("[\"envoy.service.discovery.v3.AggregatedDiscoveryService\", "
                                   "\"grpc.health.v1.Health\", "
                                   "\"grpc.reflection.v1alpha.ServerReflection\", "
                                   "\"sluice.v1.NodeStatusService\"]"));
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0) << process.Err();
  for (Process* probe : {&api, &xds}) {
    EXPECT_EQ(probe->Wait(), 0) << probe->Err();
    EXPECT_THAT(probe->Out(), HasSubstr("{\"watch\": 2}")) << "NOT_SERVING";
    EXPECT_THAT(probe->Out(), HasSubstr("{\"ended\": "));
  }
}

TEST_F(ControlPlaneProcess, ASecondSignalEndsItAtOnce) {
  Process process(Command(AnyPorts()));
  Ready(process, "api");
  process.Signal(SIGSTOP);  // So that both are there when it looks.
  process.Signal(SIGTERM);
  process.Signal(SIGINT);
  process.Signal(SIGCONT);
  EXPECT_EQ(process.Wait(), 128 + SIGTERM) << "it takes the lower number, SIGINT, first";
  EXPECT_THAT(process.Err(), testing::Not(HasSubstr("event=stopped")));
}

TEST_F(ControlPlaneProcess, GoesOnAfterTheSignalsOfALogRotation) {
  Process process(Command(AnyPorts()));
  test::ApiConnection api(Ready(process, "api"));
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ}) process.Signal(signal);
  EXPECT_TRUE(test::Eventually([&] {
    return process.Err().find("event=signal_ignored signal=SIGUSR2") != std::string::npos;
  })) << process.Err();
  EXPECT_THAT(process.Err(), HasSubstr("event=nothing_to_reload"));
  EXPECT_TRUE(api.ApplyAll(SampleUpstream("a")).ok());
}

TEST_F(ControlPlaneProcess, HearsSignalsThatItsParentBlocked) {
  test::ProcessOptions options;
  options.blocked_signals = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
  Process process(Command(AnyPorts()), options);
  Ready(process, "api");
  process.Signal(SIGHUP);
  EXPECT_TRUE(test::Eventually([&] {
    return process.Err().find("event=nothing_to_reload") != std::string::npos;
  })) << process.Err();
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0) << process.Err();
}

TEST_F(ControlPlaneProcess, ServesOnUnixSockets) {
  const std::string socket = "unix:" + dir_.File("api.sock");
  Process process(Command({"--api", socket, "--xds", "unix:" + dir_.File("xds.sock")}));
  test::ApiConnection api(Ready(process, "api"));
  EXPECT_TRUE(api.ApplyAll(SampleUpstream("a")).ok());
  EXPECT_THAT(Refusal({BinPath("sluice-controlplane"), "--store", "sqlite:" + dir_.File("b.db"),
                       "--api", socket, "--xds", "127.0.0.1:0"}),
              HasSubstr("`--api`"));
  EXPECT_TRUE(api.ApplyAll(SampleUpstream("b")).ok()) << "the first one still has its socket";
}

TEST_F(ControlPlaneProcess, NamesFlagAndAddressOfATakenPort) {
  Process first(Command(AnyPorts()));
  const std::string taken = Ready(first, "api");
  const std::string other = "sqlite:" + dir_.File("other.db");
  for (const std::string flag : {"--api", "--xds"}) {
    const std::string said = Refusal({BinPath("sluice-controlplane"), "--store", other, "--api",
                                      flag == "--api" ? taken : "127.0.0.1:0", "--xds",
                                      flag == "--xds" ? taken : "127.0.0.1:0"});
    EXPECT_THAT(
        said, HasSubstr("`" + flag + "`: cannot listen on " + taken + ": Address already in use"));
  }
}

TEST_F(ControlPlaneProcess, RefusesClearTextThatLeavesTheMachine) {
  for (const std::string address : {"0.0.0.0:0", "[::]:0", "10.0.0.1:7070"}) {
    EXPECT_THAT(Refusal(Command({"--api", address})), HasSubstr("`--insecure`")) << address;
    EXPECT_THAT(Refusal(Command({"--xds", address})), HasSubstr("`--insecure`")) << address;
  }
  for (const char* off : {"--insecure=false", "--insecure=0"}) {
    EXPECT_THAT(Refusal(Command({"--api", "0.0.0.0:0", off})), HasSubstr("`--insecure`"));
  }
  Process told(Command({"--api", "0.0.0.0:0", "--xds", "127.0.0.1:0", "--insecure"}));
  EXPECT_THAT(Ready(told, "api"), testing::StartsWith("0.0.0.0:"));
}

TEST_F(ControlPlaneProcess, NamesWhatIsWrongWithTheStore) {
  EXPECT_THAT(Refusal({BinPath("sluice-controlplane"), "--store", "sqlite:/nonexistent/s.db"}),
              HasSubstr("`--store`: cannot open '/nonexistent/s.db'"));
}

TEST_F(ControlPlaneProcess, SaysWhatIsWrongWithItsFlags) {
  Process none({BinPath("sluice-controlplane")});
  EXPECT_EQ(none.Wait(), 2);
  EXPECT_THAT(none.Err(), HasSubstr("sluice-controlplane: --store is required\nRun with --help"));
  Process maybe({BinPath("sluice-controlplane"), "--store", "sqlite:x", "--insecure=maybe"});
  EXPECT_EQ(maybe.Wait(), 2);
  EXPECT_THAT(maybe.Err(), HasSubstr("--insecure must be true or false, got 'maybe'"));
  Process empty({BinPath("sluice-controlplane"), "--store=", "--api", "127.0.0.1:0"});
  EXPECT_EQ(empty.Wait(), 1);
  EXPECT_THAT(empty.Err(), HasSubstr("`--store`"));
  Process unknown({BinPath("sluice-controlplane"), "--store", "sqlite:x", "--frob"});
  EXPECT_EQ(unknown.Wait(), 2);
  EXPECT_THAT(unknown.Err(), HasSubstr("--frob"));
}

TEST_F(ControlPlaneProcess, SaysItsVersion) {
  Process process({BinPath("sluice-controlplane"), "--version"});
  EXPECT_EQ(process.Wait(), 0);
  EXPECT_THAT(process.Out(), testing::MatchesRegex("sluice-controlplane [0-9.]+\n"));
}

// Clients apply as fast as they can; the process is killed; what was acknowledged is there.
TEST_F(ControlPlaneProcess, LosesNothingAcknowledgedWhenKilled) {
  constexpr std::size_t kClients = 4;
  std::vector<int> acknowledged(kClients, 0);
  for (int death = 0; death < 3; ++death) {
    auto process = std::make_unique<Process>(Command(AnyPorts()));
    const std::string address = Ready(*process, "api");
    std::atomic<int> applies = 0;
    std::vector<std::thread> clients;
    for (std::size_t client = 0; client < kClients; ++client) {
      clients.emplace_back([&, client] {
        test::ApiConnection api(address);
        const std::string name = "u" + std::to_string(client);
        for (int n = acknowledged[client] + 1;; ++n) {
          v1::ApplyRequest request;
          *request.add_resources() =
              test::AsAny(SampleUpstream(name, "127.0.0.1:" + std::to_string(n)));
          *request.add_resources() =
              test::AsAny(SampleUpstream(name + "b", "127.0.0.1:" + std::to_string(n)));
          grpc::ClientContext context;  // Does not wait for a server to come back.
          v1::ApplyResponse response;
          if (!api.stub().Apply(&context, request, &response).ok()) return;
          acknowledged[client] = n;
          ++applies;
        }
      });
    }
    EXPECT_TRUE(test::Eventually([&] { return applies > 50 * (death + 1); }));
    process->Signal(SIGKILL);
    for (std::thread& client : clients) client.join();
    process->Wait();

    Process again(Command(AnyPorts()));
    test::ApiConnection api(Ready(again, "api"));
    for (std::size_t client = 0; client < kClients; ++client) {
      int port[2] = {};
      for (int half = 0; half < 2; ++half) {
        v1::GetResponse got;
        v1::Upstream upstream;
        const std::string name = "u" + std::to_string(client) + (half == 1 ? "b" : "");
        ASSERT_TRUE(api.Get("Upstream", name, &got).ok());
        ASSERT_TRUE(got.resource().UnpackTo(&upstream));
        port[half] = std::stoi(upstream.spec().endpoints(0).address().substr(10));
      }
      EXPECT_EQ(port[0], port[1]) << "both of a batch or none";
      EXPECT_GE(port[0], acknowledged[client]);
      EXPECT_LE(port[0], acknowledged[client] + 1);
      acknowledged[client] = port[0];
    }
    again.Signal(SIGTERM);
    EXPECT_EQ(again.Wait(), 0);
  }
}

// A client that knocks all the while gets nothing until the whole store is there.
TEST(ControlPlaneStart, ServesNothingBeforeTheStoreIsLoaded) {
  constexpr int kListeners = 1000;
  test::ControlPlane control_plane;
  {
    v1::ApplyRequest request;
    for (int i = 0; i < kListeners; ++i) {
      const std::string name = "l" + std::to_string(i);
      *request.add_resources() = test::AsAny(SampleUpstream(name));
      *request.add_resources() =
          test::AsAny(test::SampleListener(name, "127.0.0.1:" + std::to_string(10000 + i), name));
    }
    ASSERT_TRUE(test::ApiConnection(control_plane.api()).Apply(request).ok());
  }
  for (int start = 0; start < 3; ++start) {
    control_plane.Kill();
    int seen = 0;
    std::thread knocking([&] {
      EXPECT_TRUE(test::Eventually([&] {
        test::RawPeer peer(test::ApiConnection(control_plane.xds()).channel());
        peer.Subscribe("n1", test::kListeners, {"*"});
        const auto answer = peer.Next();
        if (answer) seen = answer->resources_size();
        return answer.has_value();
      }));
    });
    control_plane.Start();
    knocking.join();
    EXPECT_EQ(seen, kListeners);
  }
}

}  // namespace
}  // namespace sluice
