// The data plane's binary against a scripted control plane.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "sluice/v1/refusal.pb.h"
#include "tests/integration/xds_client/scripted_ads.h"
#include "tests/support/delta_response.h"
#include "tests/support/port_lease.h"
#include "tests/support/sample_resources.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tag_server.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// What the server has, to state digests of.
class State {
 public:
  // Sends it, and has it from then on.
  void Give(AdsStream& stream, const Response& response) {
    stream.Exchange(response);
    for (const auto& resource : response.resources()) {
      versions_[{response.type_url(), resource.name()}] = resource.version();
    }
  }
  Response Generation(std::int64_t number) const {
    std::vector<model::DigestEntry> entries;
    for (const auto& [name, version] : versions_) {
      entries.push_back({name.first, name.second, version});
    }
    return GenerationOver(entries, number);
  }

 private:
  std::map<std::pair<std::string, std::string>, std::string> versions_;
};

Response UpstreamIs(const std::string& name, const std::string& version,
                    const std::string& address) {
  return ResponseWith(SampleUpstream(name, address), version);
}

Response ListenerIs(const std::string& name, const std::string& version, const std::string& address,
                    const std::string& upstream) {
  return ResponseWith(SampleListener(name, address, upstream), version);
}

class XdsClientTest : public ::testing::Test {
 protected:
  void StartPlain() { ads_ = std::make_unique<ScriptedAds>(xds_.Address(), false); }
  void StartWithGenerations() { ads_ = std::make_unique<ScriptedAds>(xds_.Address(), true); }
  void StartDataPlane(const std::string& control_planes = "", int workers = 1) {
    DataPlaneOptions options;
    options.control_plane = control_planes.empty() ? xds_.Address() : control_planes;
    options.labels = {"role=gateway"};
    options.workers = workers;
    data_plane_ = std::make_unique<DataPlane>(options);
  }
  // Starts a data plane on which listener `front` leads to a_ through upstream `web`, each of
  // version 1; its stream.
  std::shared_ptr<AdsStream> ServeA() {
    StartPlain();
    StartDataPlane();
    auto stream = ads_->NextStream();
    stream->Exchange(UpstreamIs("web", "1", a_.address()));
    stream->Exchange(ListenerIs("front", "1", front_.Address(), "web"));
    EXPECT_TRUE(EventuallyTag(front_, 'a'));
    return stream;
  }
  bool EventuallyTag(const PortLease& port, char tag) {
    return Eventually([&] { return TagAt(port.Address()) == tag; });
  }
  // The last report says so.
  template <typename Condition>
  bool EventuallyReported(Condition condition) {
    return Eventually([&] {
      const auto report = ads_->LastReport();
      return report && condition(*report);
    });
  }
  bool EventuallyWithoutProblems() {
    return EventuallyReported(
        [](const v1::NodeReport& report) { return report.problems().empty(); });
  }

  PortLease xds_;
  PortLease front_;
  PortLease second_;
  TagServer a_{'a'};
  TagServer b_{'b'};
  std::unique_ptr<ScriptedAds> ads_;
  std::unique_ptr<DataPlane> data_plane_;
};

// C1, C2, C7
TEST_F(XdsClientTest, AfterALostStreamTheNodeAndTheAcceptedVersionsAreToldAgain) {
  StartPlain();
  StartDataPlane();
  std::vector<Request> opening;
  auto stream = ads_->NextStream(&opening);
  EXPECT_EQ(opening[0].node().id(), "node-1");
  for (const Request& request : opening) {
    EXPECT_THAT(request.resource_names_subscribe(), ElementsAre("*"));
    EXPECT_TRUE(request.initial_resource_versions().empty());
  }
  EXPECT_FALSE(stream->Exchange(UpstreamIs("web", "1", a_.address())).has_error_detail());
  EXPECT_TRUE(stream->Exchange(UpstreamIs("bad", "1", "nowhere")).has_error_detail());
  EXPECT_TRUE(stream->Exchange(UpstreamIs("web", "2", "nowhere")).has_error_detail());
  stream->Break();

  std::vector<Request> again;
  ads_->NextStream(&again);
  EXPECT_EQ(again[0].node().id(), "node-1");
  for (const Request& request : again) {
    EXPECT_EQ(request.response_nonce(), "");
    EXPECT_THAT(request.resource_names_subscribe(), ElementsAre("*"));
    if (request.type_url() == kUpstreamType) {
      EXPECT_THAT(request.initial_resource_versions(),
                  UnorderedElementsAre(Pair("default/web", "1")));
    }
  }
}

// C3, C4
TEST_F(XdsClientTest, ARefusedObjectIsNamedItsSiblingsGoLiveAndItsLastFormServes) {
  const auto stream = ServeA();

  Response mixed = UpstreamIs("web", "2", "nowhere");
  AddResource(mixed, SampleUpstream("other", b_.address()), "1");
  const Request nack = stream->Exchange(mixed);
  v1::ResourceErrors errors;
  ASSERT_EQ(nack.error_detail().details_size(), 1);
  ASSERT_TRUE(nack.error_detail().details(0).UnpackTo(&errors));
  ASSERT_EQ(errors.errors_size(), 1);
  EXPECT_EQ(errors.errors(0).name(), "default/web");
  EXPECT_EQ(errors.errors(0).field(), "spec.endpoints[0].address");

  stream->Exchange(ListenerIs("second", "1", second_.Address(), "other"));
  EXPECT_TRUE(EventuallyTag(second_, 'b'));
  EXPECT_EQ(TagAt(front_.Address()), 'a');
  EXPECT_TRUE(EventuallyReported([](const v1::NodeReport& report) {
    return report.problems_size() == 1 && report.problems(0).name() == "default/web" &&
           report.problems(0).state() == v1::ResourceProblem::REFUSED;
  }));
  EXPECT_FALSE(stream->Exchange(ResponseOf(kListenerType, "empty")).has_error_detail());
  stream->Break();
  EXPECT_EQ(TagAt(front_.Address()), 'a');
}

// C8: the next address is tried when one does not answer.
TEST_F(XdsClientTest, AControlPlaneThatIsDownIsPassedOver) {
  PortLease nobody;
  StartPlain();
  StartDataPlane(nobody.Address() + "," + xds_.Address());
  ads_->NextStream();
  EXPECT_TRUE(EventuallyReported([](const v1::NodeReport& report) {
    return report.node_id() == "node-1" && report.labels().at("role") == "gateway";
  }));
}

// C9
TEST_F(XdsClientTest, AListenerWaitsForItsUpstreamWhileTheOldOneServes) {
  const auto stream = ServeA();
  stream->Exchange(ListenerIs("front", "2", front_.Address(), "later"));
  EXPECT_TRUE(EventuallyReported([](const v1::NodeReport& report) {
    return report.problems_size() == 1 && report.problems(0).reason() == "RefNotFound" &&
           report.problems(0).version() == "2";
  }));
  EXPECT_EQ(TagAt(front_.Address()), 'a');
  stream->Exchange(UpstreamIs("later", "1", b_.address()));
  EXPECT_TRUE(EventuallyTag(front_, 'b'));
  EXPECT_TRUE(EventuallyWithoutProblems());
}

// C11
TEST_F(XdsClientTest, ARemovedUpstreamServesUntilNobodyRefersToIt) {
  const auto stream = ServeA();
  Response removal = ResponseOf(kUpstreamType, "removal");
  removal.add_removed_resources("default/web");
  EXPECT_FALSE(stream->Exchange(removal).has_error_detail());
  EXPECT_TRUE(EventuallyReported([](const v1::NodeReport& report) {
    return report.problems_size() == 1 && report.problems(0).reason() == "StillReferenced";
  }));
  EXPECT_EQ(TagAt(front_.Address()), 'a');
  stream->Exchange(UpstreamIs("other", "1", b_.address()));
  stream->Exchange(ListenerIs("front", "2", front_.Address(), "other"));
  EXPECT_TRUE(EventuallyTag(front_, 'b'));
  EXPECT_TRUE(EventuallyWithoutProblems());
}

// C12, C18
TEST_F(XdsClientTest, AGenerationIsInForceAsAWholeOrNotAtAll) {
  StartWithGenerations();
  StartDataPlane();
  const auto stream = ads_->NextStream();
  State state;
  const auto set_upstreams = [&](int round) {
    const std::string version = std::to_string(round);
    const std::string& address = round % 2 == 0 ? a_.address() : b_.address();
    state.Give(*stream, UpstreamIs("one", version, address));
    state.Give(*stream, UpstreamIs("two", version, address));
  };
  const auto finish = [&](std::int64_t number) {
    stream->Exchange(state.Generation(number));
    EXPECT_TRUE(EventuallyReported(
        [&](const v1::NodeReport& report) { return report.active_generation() == number; }));
  };
  set_upstreams(0);
  state.Give(*stream, ListenerIs("front", "1", front_.Address(), "one"));
  state.Give(*stream, ListenerIs("second", "1", second_.Address(), "two"));
  EXPECT_FALSE(data_plane_->Ready()) << "no generation is complete yet";
  EXPECT_EQ(TagAt(front_.Address()), '-');
  finish(1);
  EXPECT_TRUE(Eventually([&] { return data_plane_->Ready(); }));

  // Both listeners lead to one endpoint at any time: two equal readings of the first around one of
  // the second that differs would be a mixture.
  std::atomic<bool> done = false;
  std::atomic<int> rounds = 0;
  std::atomic<int> mixed = 0;
  std::thread checker([&] {
    while (!done) {
      const int before = rounds;
      const char first = TagAt(front_.Address());
      const char other = TagAt(second_.Address());
      const char again = TagAt(front_.Address());
      // One swap at most has come between.
      if (rounds == before && first == again && other != first) ++mixed;
    }
  });
  for (int round = 1; round <= 30; ++round) {
    set_upstreams(round);
    const char old = (round - 1) % 2 == 0 ? 'a' : 'b';
    EXPECT_EQ(TagAt(front_.Address()), old) << "staged, but not in force";
    ++rounds;
    finish(round + 1);
  }
  done = true;
  checker.join();
  EXPECT_EQ(mixed, 0);
}

// C13 (scaled down), C10
TEST_F(XdsClientTest, SessionsLiveThroughManyGenerations) {
  StartWithGenerations();
  StartDataPlane("", 2);
  const auto stream = ads_->NextStream();
  State state;
  state.Give(*stream, UpstreamIs("web", "0", a_.address()));
  state.Give(*stream, ListenerIs("front", "1", front_.Address(), "web"));
  stream->Exchange(state.Generation(1));
  ASSERT_TRUE(EventuallyTag(front_, 'a'));
  TcpClient session(front_.Address());
  ASSERT_EQ(session.Receive(1), "a");
  for (int round = 1; round <= 300; ++round) {
    const std::string version = std::to_string(round);
    state.Give(*stream, UpstreamIs("web", version, round % 2 == 0 ? a_.address() : b_.address()));
    if (round % 100 == 0) {
      v1::Listener front = SampleListener("front", front_.Address(), "web");
      front.mutable_spec()->mutable_timeouts()->mutable_idle()->set_seconds(round);
      state.Give(*stream, ResponseWith(front, version));
    }
    stream->Exchange(state.Generation(round + 1));
    if (round % 50 != 0) continue;
    EXPECT_TRUE(session.Send("ping"));
    EXPECT_EQ(session.Receive(4), "ping");
  }
  EXPECT_TRUE(EventuallyReported([](const v1::NodeReport& report) {
    return report.active_generation() == 301 && report.sessions_on_older_config() == 1;
  }));
}

// C15
TEST_F(XdsClientTest, AnAddressThatIsTakenIsReportedAndTheOldOneServesUntilItHeals) {
  const auto stream = ServeA();
  auto taker = std::make_unique<TagServer>('t');
  const std::string taken = taker->address();
  stream->Exchange(ListenerIs("front", "2", taken, "web"));
  EXPECT_TRUE(EventuallyReported([](const v1::NodeReport& report) {
    return report.problems_size() == 1 && report.problems(0).reason() == "AddressInUse" &&
           report.problems(0).state() == v1::ResourceProblem::NOT_PROGRAMMED &&
           report.problems(0).name() == "default/front";
  }));
  EXPECT_EQ(TagAt(front_.Address()), 'a');
  taker = nullptr;
  EXPECT_TRUE(Eventually([&] { return TagAt(taken) == 'a'; }));
  EXPECT_TRUE(EventuallyWithoutProblems());
  EXPECT_TRUE(Eventually([&] { return TagAt(front_.Address()) == '-'; }));
}

// C17
TEST_F(XdsClientTest, ARestartWithoutControlPlaneServesTheSavedStateAndLaterTakesTheDifference) {
  StartWithGenerations();
  StartDataPlane();
  State state;
  {
    const auto stream = ads_->NextStream();
    state.Give(*stream, UpstreamIs("web", "1", a_.address()));
    state.Give(*stream, ListenerIs("front", "1", front_.Address(), "web"));
    stream->Exchange(state.Generation(5));
    ASSERT_TRUE(EventuallyTag(front_, 'a'));
  }
  EXPECT_EQ(data_plane_->Stop(), 0);
  ads_ = nullptr;

  data_plane_->Start();
  EXPECT_TRUE(EventuallyTag(front_, 'a'));
  EXPECT_TRUE(Eventually([&] { return data_plane_->Ready(); }));
  EXPECT_THAT(data_plane_->Admin("/config"), ::testing::HasSubstr("\"stale\":true"));

  StartWithGenerations();
  std::vector<Request> opening;
  const auto stream = ads_->NextStream(&opening);
  for (const Request& request : opening) {
    if (request.type_url() != kUpstreamType) continue;
    EXPECT_THAT(request.initial_resource_versions(),
                UnorderedElementsAre(Pair("default/web", "1")));
  }
  state.Give(*stream, UpstreamIs("web", "2", b_.address()));
  stream->Exchange(state.Generation(6));
  EXPECT_TRUE(EventuallyTag(front_, 'b'));
  EXPECT_TRUE(EventuallyReported([](const v1::NodeReport& report) {
    return !report.stale() && report.active_generation() == 6;
  }));
}

TEST_F(XdsClientTest, ADamagedSavedStateIsIgnoredWithAMessage) {
  StartWithGenerations();
  StartDataPlane();
  State state;
  ads_->NextStream()->Exchange(state.Generation(1));
  EXPECT_TRUE(Eventually([&] { return data_plane_->Ready(); }));
  EXPECT_EQ(data_plane_->Stop(), 0);
  std::string saved = ReadFile(data_plane_->state_dir() + "/last-good");
  ASSERT_FALSE(saved.empty());
  saved.back() = static_cast<char>(saved.back() ^ 1);
  std::FILE* file = std::fopen((data_plane_->state_dir() + "/last-good").c_str(), "w");
  std::fwrite(saved.data(), 1, saved.size(), file);
  std::fclose(file);
  ads_ = nullptr;
  data_plane_->Start();
  EXPECT_TRUE(Eventually([&] {
    return data_plane_->process().Err().find("saved_state_ignored") != std::string::npos;
  }));
  EXPECT_FALSE(data_plane_->Ready());
  // It may be of use to another version: nothing takes its place before something was in force.
  EXPECT_EQ(data_plane_->Stop(), 0);
  EXPECT_EQ(ReadFile(data_plane_->state_dir() + "/last-good"), saved);
}

TEST_F(XdsClientTest, WhatIsInForceIsSavedWhateverOfTheNextGenerationHasCome) {
  StartWithGenerations();
  StartDataPlane();
  State state;
  const auto stream = ads_->NextStream();
  state.Give(*stream, UpstreamIs("web", "1", a_.address()));
  state.Give(*stream, ListenerIs("front", "1", front_.Address(), "web"));
  stream->Exchange(state.Generation(1));
  // Without an end: as of a control plane that is killed at that moment.
  state.Give(*stream, UpstreamIs("web", "2", b_.address()));
  EXPECT_TRUE(EventuallyTag(front_, 'a'));
  EXPECT_EQ(data_plane_->Stop(), 0);
  ads_ = nullptr;
  data_plane_->Start();
  EXPECT_TRUE(EventuallyTag(front_, 'a'));
  EXPECT_TRUE(Eventually([&] { return data_plane_->Ready(); }));
}

TEST_F(XdsClientTest, ADataPlaneThatNeverHadAConfigurationLeavesNoneToTheNext) {
  StartWithGenerations();
  StartDataPlane();
  EXPECT_EQ(data_plane_->Stop(), 0);
  ads_ = nullptr;
  data_plane_->Start();
  EXPECT_TRUE(Eventually([&] {
    return data_plane_->process().Err().find("control_plane_disconnected") != std::string::npos;
  }));
  EXPECT_FALSE(data_plane_->Ready());
  EXPECT_THAT(data_plane_->process().Err(),
              testing::Not(testing::HasSubstr("serving_saved_state")));
}

}  // namespace
}  // namespace sluice::test
