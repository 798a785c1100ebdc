// The data plane's binary with --config.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/port_lease.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tag_server.h"
#include "tests/support/tcp_client.h"
#include "tests/support/temp_dir.h"

namespace sluice::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class DataPlaneStaticTest : public ::testing::Test {
 protected:
  std::string Manifest(const std::string& endpoint) const {
    return ProxyManifest(front_.Address(), endpoint);
  }
  void Start(std::vector<std::string> more_flags = {},
             std::optional<unsigned long> max_open_files = {},
             std::vector<int> blocked_signals = {}) {
    DataPlaneOptions options;
    options.shutdown_delay = shutdown_delay_;
    options.more_flags = std::move(more_flags);
    options.max_open_files = max_open_files;
    options.blocked_signals = std::move(blocked_signals);
    options.config = dir_.File("config.yaml");
    data_plane_ = std::make_unique<DataPlane>(options);
  }
  bool EventuallyTag(char tag) {
    return Eventually([&] { return TagAt(front_.Address()) == tag; });
  }
  bool EventuallyLogged(const std::string& text) {
    return Eventually([&] { return data_plane_->process().Err().find(text) != std::string::npos; });
  }

  std::string shutdown_delay_ = "0s";
  TempDir dir_;
  PortLease front_;
  TagServer a_{'a'};
  TagServer b_{'b'};
  std::unique_ptr<DataPlane> data_plane_;
};

TEST_F(DataPlaneStaticTest, AFileIsServedAndAChangeOfItKeepsOpenSessions) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  Start();
  ASSERT_TRUE(EventuallyTag('a'));
  // The first worker serves before the last one has said that it does.
  EXPECT_TRUE(Eventually([&] { return data_plane_->Ready(); }));
  TcpClient session(front_.Address());
  ASSERT_EQ(session.Receive(1), "a");
  dir_.Write("config.yaml", Manifest(b_.address()));
  EXPECT_TRUE(EventuallyTag('b'));
  EXPECT_TRUE(session.Send("still here"));
  EXPECT_EQ(session.Receive(10), "still here");
}

TEST_F(DataPlaneStaticTest, AFileThatIsReplacedByARenameIsRead) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  Start();
  ASSERT_TRUE(EventuallyTag('a'));
  const std::string staged = dir_.Write("config.yaml.new", Manifest(b_.address()));
  ASSERT_EQ(std::rename(staged.c_str(), dir_.File("config.yaml").c_str()), 0);
  EXPECT_TRUE(EventuallyTag('b'));
}

TEST_F(DataPlaneStaticTest, AFileThatIsWrittenAllTheTimeIsReadAllTheSame) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  Start();
  ASSERT_TRUE(EventuallyTag('a'));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      const std::string staged =
          dir_.Write("config.yaml.new", Manifest(b_.address()) + "# " + std::to_string(i));
      std::rename(staged.c_str(), dir_.File("config.yaml").c_str());
    }
  });
  EXPECT_TRUE(EventuallyTag('b'));
  stop = true;
  writer.join();
}

TEST_F(DataPlaneStaticTest, ABadFileKeepsTheRunningConfigurationAndSaysWhatIsWrongWhere) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  Start();
  ASSERT_TRUE(EventuallyTag('a'));
  dir_.Write("config.yaml", Manifest("nowhere"));
  EXPECT_TRUE(EventuallyLogged("config_refused"));
  EXPECT_THAT(data_plane_->process().Err(), HasSubstr("config.yaml:4:"));
  EXPECT_EQ(TagAt(front_.Address()), 'a');
  dir_.Write("config.yaml", Manifest(b_.address()));
  EXPECT_TRUE(EventuallyTag('b'));
}

TEST_F(DataPlaneStaticTest, ABadFileAtTheStartIsAnErrorWithItsPlace) {
  const std::string path = dir_.Write("config.yaml", Manifest("nowhere"));
  const ProcessResult result = test::Run({BinPath("sluice-dataplane"), "--config", path});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("nowhere"));
  EXPECT_THAT(result.err, HasSubstr("config.yaml:4:"));
}

TEST_F(DataPlaneStaticTest, WrongFlagsSayWhatIsAllowed) {
  const std::string program = BinPath("sluice-dataplane");
  EXPECT_EQ(test::Run({program}).status, 2);
  const ProcessResult both =
      test::Run({program, "--config", "x", "--control-plane", "127.0.0.1:1", "--node", "n"});
  EXPECT_EQ(both.status, 2);
  EXPECT_THAT(both.err, HasSubstr("exactly one of --control-plane and --config"));
  const ProcessResult clear = test::Run({program, "--control-plane", "192.0.2.1:1", "--node", "n"});
  EXPECT_EQ(clear.status, 2);
  EXPECT_THAT(clear.err, HasSubstr("--insecure"));
  const ProcessResult off =
      test::Run({program, "--control-plane", "192.0.2.1:1", "--node", "n", "--insecure=false"});
  EXPECT_EQ(off.status, 2);
  EXPECT_THAT(off.err, HasSubstr("--insecure"));
  const ProcessResult maybe = test::Run({program, "--config", "x", "--insecure=maybe"});
  EXPECT_EQ(maybe.status, 2);
  EXPECT_THAT(maybe.err, HasSubstr("--insecure must be true or false, got 'maybe'"));
  const ProcessResult empty = test::Run({program, "--node=", "--control-plane", "127.0.0.1:1"});
  EXPECT_EQ(empty.status, 2);
  EXPECT_THAT(empty.err, HasSubstr("--node is needed"));
  const ProcessResult two = test::Run({program, "--config", "x", "--label", "a=1,b=2"});
  EXPECT_EQ(two.status, 2);
  EXPECT_THAT(two.err, HasSubstr("`--label[a]` must be empty or"));
}

TEST_F(DataPlaneStaticTest, AHangUpReadsTheFileAgain) {
  // A change of the link in the middle is one that the watch of both ends does not see.
  const TempDir middle;
  const TempDir releases;
  const std::string old_release = releases.Write("old.yaml", Manifest(a_.address()));
  const std::string new_release = releases.Write("new.yaml", Manifest(b_.address()));
  const std::string link = middle.File("current.yaml");
  fs::create_symlink(old_release, link);
  fs::create_symlink(link, dir_.File("config.yaml"));
  Start();
  ASSERT_TRUE(EventuallyTag('a'));
  fs::remove(link);
  fs::create_symlink(new_release, link);
  data_plane_->process().Signal(SIGHUP);
  EXPECT_TRUE(EventuallyTag('b'));
}

TEST_F(DataPlaneStaticTest, AnAccessLogThatWasRenamedIsWrittenOnUntilASignalReopensIt) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  const TempDir logs;
  const std::string log = logs.File("access.log");
  Start({"--access-log", log});
  ASSERT_TRUE(EventuallyTag('a'));
  for (const int signal : {SIGUSR1, SIGHUP}) {
    const std::string renamed = logs.File(fmt::format("access.log.{}", signal));
    ASSERT_TRUE(Eventually([&] { return ReadFile(log).ends_with("\n"); }));
    EXPECT_THAT(ReadFile(log), HasSubstr(" default/front TCP 127.0.0.1 "));
    ASSERT_EQ(std::rename(log.c_str(), renamed.c_str()), 0);
    const auto size = fs::file_size(renamed);
    ASSERT_EQ(TagAt(front_.Address()), 'a');
    EXPECT_TRUE(Eventually([&] { return fs::file_size(renamed) > size; }));
    EXPECT_FALSE(fs::exists(log));

    data_plane_->process().Signal(signal);
    ASSERT_TRUE(Eventually([&] { return fs::exists(log); }));
    ASSERT_EQ(TagAt(front_.Address()), 'a');
    EXPECT_TRUE(Eventually([&] { return ReadFile(log).ends_with("\n"); }));
  }
}

TEST_F(DataPlaneStaticTest, AnAccessLogThatCannotBeOpenedIsTriedAgain) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  const TempDir logs;
  Start({"--access-log", logs.File("mounted/later.log")});
  ASSERT_TRUE(EventuallyLogged("AccessLogUnavailable"));
  EXPECT_FALSE(CanConnect(front_.Address()));
  fs::create_directory(logs.File("mounted"));
  EXPECT_TRUE(EventuallyTag('a'));
  EXPECT_TRUE(EventuallyLogged("resource_healed"));
}

TEST_F(DataPlaneStaticTest, ClosedStandardDescriptorsAreNotTakenForSomethingElse) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  // All of them, or one that a library may take before main.
  for (const std::string closed : {"0<&- >&- 2>&-", ">&-"}) {
    const Process process({"/bin/sh", "-c", "exec \"$0\" --config \"$1\" " + closed,
                           BinPath("sluice-dataplane"), dir_.File("config.yaml")});
    ASSERT_TRUE(EventuallyTag('a'));
    EXPECT_EQ(fs::read_symlink(fmt::format("/proc/{}/fd/1", process.pid())), "/dev/null");
  }
}

TEST_F(DataPlaneStaticTest, TooFewDescriptorsAreAnErrorThatSaysHowManyAreNeeded) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  for (const unsigned long limit : {12UL, 30UL, 39UL}) {
    const ProcessResult result = test::Run(
        {BinPath("sluice-dataplane"), "--config", dir_.File("config.yaml"), "--workers", "2"},
        {.max_open_files = limit});
    EXPECT_EQ(result.status, 1) << limit;
    EXPECT_THAT(result.err, HasSubstr("file descriptors, and needs 40 at least"));
  }
}

TEST_F(DataPlaneStaticTest, AnAdminAddressThatCannotBeUsedIsAnErrorThatNamesIt) {
  const std::string path = dir_.Write("config.yaml", Manifest(a_.address()));
  const std::string program = BinPath("sluice-dataplane");
  const ProcessResult remote = test::Run({program, "--config", path, "--admin", "0.0.0.0:9100"});
  EXPECT_EQ(remote.status, 1);
  EXPECT_THAT(remote.err, HasSubstr("admin address '0.0.0.0:9100' can be reached from other"));
  const ProcessResult taken = test::Run({program, "--config", path, "--admin", a_.address()});
  EXPECT_EQ(taken.status, 1);
  EXPECT_THAT(taken.err, HasSubstr("Address already in use"));
  Start();  // A data plane that stays.
  const ProcessResult second =
      test::Run({program, "--config", path, "--admin", data_plane_->admin()});
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.err, HasSubstr("Address already in use"));
}

TEST_F(DataPlaneStaticTest, EachSignalThatStopsLetsSessionsEndFirst) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
    Start();
    ASSERT_TRUE(EventuallyTag('a'));
    {
      TcpClient session(front_.Address());
      ASSERT_EQ(session.Receive(1), "a");
      data_plane_->process().Signal(signal);
      EXPECT_TRUE(Eventually([&] { return !CanConnect(front_.Address()); }));
      EXPECT_TRUE(session.Send("draining"));
      EXPECT_EQ(session.Receive(8), "draining");
    }
    EXPECT_EQ(data_plane_->process().Wait(), 0) << data_plane_->process().Err();
  }
}

TEST_F(DataPlaneStaticTest, ListenersGoOnForAWhileAfterReadinessHasFailed) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  shutdown_delay_ = "1s";
  Start();
  ASSERT_TRUE(Eventually([&] { return data_plane_->Ready(); }));
  data_plane_->process().Signal(SIGTERM);
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(Eventually([&] { return !data_plane_->Ready(); }));
  EXPECT_THAT(data_plane_->Admin("/readyz"), HasSubstr("shutting down"));
  EXPECT_EQ(TagAt(front_.Address()), 'a');
  dir_.Write("config.yaml", Manifest(b_.address()));
  EXPECT_TRUE(EventuallyTag('b')) << "what changes is followed meanwhile";
  EXPECT_TRUE(Eventually([&] { return !CanConnect(front_.Address()); }));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(900));
  EXPECT_EQ(data_plane_->process().Wait(), 0) << data_plane_->process().Err();
}

TEST_F(DataPlaneStaticTest, ASecondSignalEndsTheDelayAtOnce) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  shutdown_delay_ = "1h";
  Start();
  ASSERT_TRUE(EventuallyTag('a'));
  data_plane_->process().Signal(SIGTERM);
  ASSERT_TRUE(EventuallyLogged("listeners_close_in_ms=3600000"));
  EXPECT_EQ(TagAt(front_.Address()), 'a');
  data_plane_->process().Signal(SIGTERM);
  EXPECT_EQ(data_plane_->process().Wait(), 128 + SIGTERM);
}

TEST_F(DataPlaneStaticTest, WhatServesNothingStopsWithoutDelay) {
  dir_.Write("config.yaml",
             "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: web}\nspec: {}\n");
  shutdown_delay_ = "1h";
  Start();
  data_plane_->process().Signal(SIGTERM);
  EXPECT_EQ(data_plane_->process().Wait(), 0);
}

TEST_F(DataPlaneStaticTest, SessionsThatDoNotEndAreClosedAtTheDeadline) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  shutdown_delay_ = "10ms";
  Start({"--drain-timeout", "100ms"});
  ASSERT_TRUE(EventuallyTag('a'));
  TcpClient session(front_.Address());
  ASSERT_EQ(session.Receive(1), "a");
  data_plane_->process().Signal(SIGTERM);
  EXPECT_EQ(data_plane_->process().Wait(), 0);
  EXPECT_THAT(data_plane_->process().Out(), HasSubstr(" shutdown "));
}

TEST_F(DataPlaneStaticTest, ByDefaultAStopTakesNoLongerThanAPodIsGiven) {
  const ProcessResult help = test::Run({BinPath("sluice-dataplane"), "--help"});
  EXPECT_THAT(help.out, HasSubstr("(default: 5s)"));
  EXPECT_THAT(help.out, HasSubstr("(default: 20s)"));
}

TEST_F(DataPlaneStaticTest, NoOtherSignalEndsASession) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  Start();
  ASSERT_TRUE(EventuallyTag('a'));
  TcpClient session(front_.Address());
  ASSERT_EQ(session.Receive(1), "a");
  for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ}) {
    data_plane_->process().Signal(signal);
  }
  EXPECT_TRUE(EventuallyLogged("event=signal_ignored signal=SIGUSR2"));
  EXPECT_TRUE(EventuallyLogged("event=access_logs_reopened"));
  EXPECT_TRUE(session.Send("still here"));
  EXPECT_EQ(session.Receive(10), "still here");
}

TEST_F(DataPlaneStaticTest, AParentThatBlockedSignalsDoesNotMakeItDeaf) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  Start({}, {}, {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2});
  ASSERT_TRUE(EventuallyTag('a'));
  data_plane_->process().Signal(SIGUSR1);
  EXPECT_TRUE(EventuallyLogged("event=access_logs_reopened"));
  data_plane_->process().Signal(SIGTERM);
  EXPECT_EQ(data_plane_->process().Wait(), 0);
}

TEST_F(DataPlaneStaticTest, ATerminationWaitsForTheSessionsAndASecondOneDoesNot) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  Start();
  ASSERT_TRUE(EventuallyTag('a'));
  TcpClient session(front_.Address());
  ASSERT_EQ(session.Receive(1), "a");
  data_plane_->process().Signal(SIGTERM);
  EXPECT_TRUE(Eventually([&] { return !CanConnect(front_.Address()); }));
  EXPECT_FALSE(data_plane_->Ready());
  EXPECT_TRUE(session.Send("draining"));
  EXPECT_EQ(session.Receive(8), "draining");
  data_plane_->process().Signal(SIGTERM);
  EXPECT_EQ(data_plane_->process().Wait(), 128 + SIGTERM);
}

TEST_F(DataPlaneStaticTest, SessionsThatTakeAllTheirDescriptorsLeaveSomeToEverythingElse) {
  dir_.Write("config.yaml", Manifest(a_.address()));
  Start({}, 96);
  const std::string pauses =
      "sluice_listener_accept_pauses_total{listener=\"default/front\",protocol=\"TCP\"}";
  ASSERT_TRUE(EventuallyTag('a'));
  std::vector<TcpClient> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(front_.Address());
  ASSERT_TRUE(Eventually([&] { return data_plane_->Metric(pauses) >= 1; }));
  EXPECT_TRUE(data_plane_->Ready());
  EXPECT_LT(data_plane_->Metric("sluice_process_open_descriptors"), 96);
  {
    std::vector<TcpClient> silent;  // More than descriptors are left: the oldest give way.
    for (int i = 0; i < 40; ++i) silent.emplace_back(data_plane_->admin());
    EXPECT_TRUE(data_plane_->Ready());
  }

  // A new configuration needs descriptors, too: of its file, and of its listener.
  const PortLease second;
  dir_.Write("config.yaml",
             Manifest(a_.address()) +
                 "---\napiVersion: sluice.dev/v1\nkind: Listener\nmetadata: {name: second}\nspec: "
                 "{address: \"" +
                 second.Address() + "\", routes: [{proxy: {upstream: web}}]}\n");
  EXPECT_TRUE(EventuallyLogged("config_reloaded"));
  EXPECT_TRUE(Eventually([&] { return CanConnect(second.Address()); }));

  clients.clear();
  EXPECT_TRUE(EventuallyTag('a'));
}

}  // namespace
}  // namespace sluice::test
