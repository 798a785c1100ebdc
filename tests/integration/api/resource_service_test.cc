#include "controlplane/server/resource_service.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "common/base/limits.h"
#include "common/base/version.h"
#include "controlplane/server/grpc_server.h"
#include "controlplane/store/catalog.h"
#include "controlplane/store/store.h"
#include "tests/integration/api/api_connection.h"
#include "tests/support/fake_fleet.h"
#include "tests/support/temp_dir.h"

namespace sluice::controlplane {
namespace {

using test::AsAny;
using test::RefTo;
using test::SampleListener;
using test::SampleUpstream;
using test::WatchReader;
using testing::HasSubstr;

// The service over a real SQLite store on a port of the kernel's choice.
class ResourceServiceTest : public testing::Test {
 protected:
  ResourceServiceTest() { StartServer(); }
  ~ResourceServiceTest() override { StopServer(); }

  void StartServer() {
    store_ = OpenStore("sqlite:" + dir_.File("store.db")).value();
    catalog_ = Catalog::Load(*store_).value();
    service_ = MakeResourceApi(*catalog_, fleet_);
    server_ =
        GrpcServer::Start({"--api", SocketAddress::Parse("127.0.0.1:0", true).value(),
                           [&](grpc::ServerBuilder& builder) { service_->RegisterOn(builder); }})
            .value();
    api_ = std::make_unique<test::ApiConnection>(server_->address().Text());
  }
  void StopServer() {
    service_->Stop();
    server_->Stop(std::chrono::seconds(1));
    server_.reset();
    service_.reset();
    catalog_.reset();
    store_.reset();
  }
  static v1::WatchRequest WatchOf(const std::string& kind, std::int64_t from = 0) {
    v1::WatchRequest request;
    request.set_kind(kind);
    request.set_from_generation(from);
    return request;
  }

  test::TempDir dir_;
  test::FakeFleet fleet_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<ResourceApi> service_;
  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<test::ApiConnection> api_;
};

TEST_F(ResourceServiceTest, AppliesGetsListsAndDeletes) {
  v1::ApplyRequest request;
  *request.add_resources() = AsAny(SampleListener("front", "127.0.0.1:5432", "db"));
  *request.add_resources() = AsAny(SampleUpstream("db"));
  v1::ApplyResponse applied;
  ASSERT_TRUE(api_->Apply(request, &applied).ok());
  EXPECT_EQ(applied.generation(), 1);
  ASSERT_EQ(applied.results_size(), 2);
  EXPECT_EQ(applied.results(0).object().kind(), "Listener");
  EXPECT_EQ(applied.results(0).outcome(), v1::ApplyResponse::CREATED);

  fleet_.SetSynced(test::KeyOf(SampleUpstream("db")), "2/2");
  v1::GetResponse got;
  ASSERT_TRUE(api_->Get("upstream", "db", &got).ok());
  v1::Upstream upstream;
  ASSERT_TRUE(got.resource().UnpackTo(&upstream));
  EXPECT_EQ(upstream.status().conditions(0).message(), "2/2");
  EXPECT_EQ(api_->List("Listener").resources_size(), 1);

  const grpc::Status held = api_->Delete("Upstream", "db");
  EXPECT_EQ(held.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(held.error_message(), HasSubstr("listener/front"));
  EXPECT_EQ(test::ViolationsOf(held).violations_size(), 1);
  EXPECT_TRUE(api_->Delete("Listener", "front").ok());
  EXPECT_TRUE(api_->Delete("Upstream", "db").ok());
  const grpc::Status gone = api_->Get("Upstream", "db", &got);
  EXPECT_EQ(gone.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(gone.error_message(), HasSubstr("upstream/db"));
}

TEST_F(ResourceServiceTest, SendsAllViolationsAndStoresNothing) {
  v1::ApplyRequest request;
  *request.add_resources() = AsAny(SampleUpstream("good"));
  for (int i = 0; i < 60; ++i)
    *request.add_resources() = AsAny(SampleUpstream("bad" + std::to_string(i), "nonsense"));
  const grpc::Status refused = api_->Apply(request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const v1::Violations violations = test::ViolationsOf(refused);
  ASSERT_EQ(violations.violations_size(), 60);
  EXPECT_EQ(violations.violations(59).resource(), 60);
  EXPECT_EQ(violations.violations(0).field(), "spec.endpoints[0].address");
  EXPECT_EQ(violations.violations(0).object().name(), "bad0");
  EXPECT_EQ(api_->List("Upstream").resources_size(), 0);
}

// A client that knows nothing of us takes 8 KiB of trailers, and gets an answer that fits.
TEST_F(ResourceServiceTest, AnswersPlainClientsWithWhatTheyCanTake) {
  const auto channel =
      grpc::CreateChannel(server_->address().Text(), grpc::InsecureChannelCredentials());
  const auto stub = v1::ResourceService::NewStub(channel);
  v1::ApplyRequest request;
  for (int i = 0; i < 100; ++i)
    *request.add_resources() = AsAny(SampleUpstream("bad" + std::to_string(i), "nonsense"));
  grpc::ClientContext context;
  v1::ApplyResponse response;
  const grpc::Status refused = stub->Apply(&context, request, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << refused.error_message();
  EXPECT_EQ(test::ViolationsOf(refused).total(), 100);
  EXPECT_GT(test::ViolationsOf(refused).violations_size(), 5);
}

TEST_F(ResourceServiceTest, RefusesARequestBeyondTheLimitWithWordsThatHelp) {
  v1::ApplyRequest request;
  request.add_resources()->set_value(std::string(limits::kApiMessageBytes + 1, 'x'));
  const grpc::Status refused = api_->Apply(request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("split the batch"));
}

TEST_F(ResourceServiceTest, RefusesARequestFarBeyondTheLimitBeforeReadingIt) {
  v1::ApplyRequest request;
  request.add_resources()->set_value(std::string(limits::kApiMessageBytes * 2, 'x'));
  EXPECT_EQ(api_->Apply(request).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(ResourceServiceTest, RefusesAVersionThatIsNotStoredAnyMore) {
  ASSERT_TRUE(api_->ApplyAll(SampleUpstream("db")).ok());
  v1::Upstream stale = SampleUpstream("db", "127.0.0.1:1");
  stale.mutable_metadata()->set_resource_version("99");
  const grpc::Status refused = api_->ApplyAll(stale);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(refused.error_message(), HasSubstr("version '1' is stored"));
}

TEST_F(ResourceServiceTest, StreamsAWatch) {
  ASSERT_TRUE(api_->ApplyAll(SampleUpstream("a"), SampleUpstream("b")).ok());
  WatchReader watch(*api_, WatchOf("Upstream"));
  EXPECT_EQ(watch.Next(), "ADDED a");
  EXPECT_EQ(watch.Next(), "ADDED b");
  EXPECT_EQ(watch.Next(), "SYNCED");
  EXPECT_EQ(watch.last.generation(), 1);
  ASSERT_TRUE(api_->ApplyAll(SampleUpstream("b", "127.0.0.1:1")).ok());
  EXPECT_EQ(watch.Next(), "MODIFIED b");
  EXPECT_EQ(watch.last.generation(), 2);
  ASSERT_TRUE(api_->Delete("Upstream", "a").ok());
  EXPECT_EQ(watch.Next(), "DELETED a");
}

TEST_F(ResourceServiceTest, AWatchHearsOfAStatusThatChangesAlone) {
  ASSERT_TRUE(api_->ApplyAll(SampleUpstream("a")).ok());
  WatchReader watch(*api_, WatchOf("Upstream"));
  EXPECT_EQ(watch.Next(), "ADDED a");
  EXPECT_EQ(watch.Next(), "SYNCED");
  fleet_.SetSynced(test::KeyOf(SampleUpstream("a")), "1/1");
  EXPECT_EQ(watch.Next(), "MODIFIED a");
}

TEST_F(ResourceServiceTest, AWatchResumesAfterARestart) {
  ASSERT_TRUE(api_->ApplyAll(SampleUpstream("a")).ok());
  ASSERT_TRUE(api_->ApplyAll(SampleUpstream("b")).ok());
  ASSERT_TRUE(api_->Delete("Upstream", "a").ok());
  StopServer();
  StartServer();
  WatchReader watch(*api_, WatchOf("Upstream", 1));
  EXPECT_EQ(watch.Next(), "ADDED b");
  EXPECT_EQ(watch.Next(), "DELETED a");
  EXPECT_EQ(watch.Next(), "SYNCED");
  EXPECT_EQ(watch.last.generation(), 3);
}

TEST_F(ResourceServiceTest, TellsAWatchOfAnUnknownGenerationToListAgain) {
  WatchReader watch(*api_, WatchOf("Upstream", 7));
  EXPECT_THAT(watch.Next(), HasSubstr("list again"));
  EXPECT_EQ(watch.Status().error_code(), grpc::StatusCode::OUT_OF_RANGE);
}

TEST_F(ResourceServiceTest, RefusesAWatchOfNonsense) {
  WatchReader watch(*api_, WatchOf("Gadget"));
  EXPECT_THAT(watch.Next(), HasSubstr("`kind` must be one of"));
  EXPECT_EQ(watch.Status().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ResourceServiceTest, EndsStreamsWhenItStops) {
  WatchReader watch(*api_, WatchOf("Upstream"));
  EXPECT_EQ(watch.Next(), "SYNCED");
  service_->Stop();
  EXPECT_THAT(watch.Next(), HasSubstr("is stopping"));
  EXPECT_EQ(watch.Status().error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ResourceServiceTest, CutsAWatcherThatDoesNotReadAndServesTheOthers) {
  WatchReader idle(*api_, WatchOf("Upstream"));
  EXPECT_EQ(idle.Next(), "SYNCED");
  // Large objects, so that the windows of the stream that is not read fill early.
  std::int64_t applied = 0;
  bool cut = false;
  for (int round = 0; round < 60 && !cut; ++round) {
    v1::ApplyRequest request;
    for (int i = 0; i < 400; ++i) {
      v1::Upstream upstream =
          SampleUpstream("u" + std::to_string(i), "127.0.0.1:" + std::to_string(1 + round));
      (*upstream.mutable_metadata()->mutable_annotations())["note"] = std::string(2000, 'x');
      *request.add_resources() = AsAny(upstream);
    }
    ASSERT_TRUE(api_->Apply(request).ok());
    ++applied;
    cut = applied * 400 > static_cast<std::int64_t>(limits::kWatchBacklog) + 2000;
  }
  std::string last;
  std::int64_t events = 0;
  while (!(last = idle.Next()).starts_with("ended")) ++events;
  EXPECT_THAT(last, HasSubstr("too slowly"));
  EXPECT_EQ(idle.Status().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_LT(events, applied * 400);
}

TEST_F(ResourceServiceTest, FollowsARolloutUntilItIsSettled) {
  ASSERT_TRUE(api_->ApplyAll(SampleUpstream("a")).ok());
  v1::RolloutResponse progress;
  progress.set_nodes_total(2);
  fleet_.SetProgress(progress);
  grpc::ClientContext context;
  test::ApiConnection::Prepare(context);
  v1::RolloutRequest request;
  request.set_generation(1);
  *request.add_objects() = RefTo("Upstream", "a");
  const auto rollout = api_->stub().Rollout(&context, request);
  v1::RolloutResponse heard;
  ASSERT_TRUE(rollout->Read(&heard));
  EXPECT_EQ(heard.nodes_synced(), 0);
  progress.set_nodes_synced(2);
  progress.set_settled(true);
  fleet_.SetProgress(progress);
  ASSERT_TRUE(rollout->Read(&heard));
  EXPECT_EQ(heard.nodes_synced(), 2);
  EXPECT_TRUE(heard.settled());
  EXPECT_FALSE(rollout->Read(&heard));
  EXPECT_TRUE(rollout->Finish().ok());
}

TEST_F(ResourceServiceTest, RefusesARolloutOfAGenerationThatIsNotThere) {
  grpc::ClientContext context;
  test::ApiConnection::Prepare(context);
  v1::RolloutRequest request;
  request.set_generation(9);
  const auto rollout = api_->stub().Rollout(&context, request);
  v1::RolloutResponse heard;
  EXPECT_FALSE(rollout->Read(&heard));
  EXPECT_EQ(rollout->Finish().error_code(), grpc::StatusCode::OUT_OF_RANGE);
}

TEST_F(ResourceServiceTest, RespectsTheDeadlineOfAStream) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(200));
  const auto reader = api_->stub().Watch(&context, WatchOf("Upstream"));
  v1::WatchResponse event;
  while (reader->Read(&event)) {
  }
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(api_->ApplyAll(SampleUpstream("a")).ok());
}

TEST_F(ResourceServiceTest, SaysItsVersionAndGeneration) {
  ASSERT_TRUE(api_->ApplyAll(SampleUpstream("a")).ok());
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(api_->stub().GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.version(), kVersion);
  EXPECT_EQ(info.generation(), 1);
}

// Every acknowledged apply is one generation, all numbers from 1 on are used once, and every object
// is as its only writer last wrote it; a watcher sees each change once and in order.
TEST_F(ResourceServiceTest, KeepsGenerationsDenseUnderParallelAppliers) {
  constexpr int kAppliers = 16;
  constexpr int kAppliesEach = 20;
  WatchReader watch(*api_, WatchOf("Upstream"));
  EXPECT_EQ(watch.Next(), "SYNCED");
  std::vector<std::vector<std::int64_t>> generations(kAppliers);
  std::vector<std::thread> appliers;
  for (std::size_t i = 0; i < kAppliers; ++i) {
    appliers.emplace_back([&, i] {
      test::ApiConnection own(server_->address().Text());
      for (int n = 1; n <= kAppliesEach; ++n) {
        v1::ApplyRequest request;
        *request.add_resources() =
            AsAny(SampleUpstream("u" + std::to_string(i), "127.0.0.1:" + std::to_string(n)));
        v1::ApplyResponse response;
        const grpc::Status status = own.Apply(request, &response);
        EXPECT_TRUE(status.ok()) << status.error_message();
        generations[i].push_back(response.generation());
      }
    });
  }
  for (std::thread& applier : appliers) applier.join();

  std::set<std::int64_t> all;
  for (const auto& mine : generations) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kAppliers * kAppliesEach));
  EXPECT_EQ(*all.begin(), 1);
  EXPECT_EQ(*all.rbegin(), kAppliers * kAppliesEach);
  const v1::ListResponse list = api_->List("Upstream");
  EXPECT_EQ(list.resources_size(), kAppliers);
  for (const auto& any : list.resources()) {
    v1::Upstream upstream;
    ASSERT_TRUE(any.UnpackTo(&upstream));
    EXPECT_EQ(upstream.spec().endpoints(0).address(), "127.0.0.1:" + std::to_string(kAppliesEach));
    EXPECT_EQ(upstream.metadata().generation(), kAppliesEach);
  }
  for (std::int64_t generation = 1; generation <= kAppliers * kAppliesEach; ++generation) {
    watch.Next();
    ASSERT_EQ(watch.last.generation(), generation);
  }
}

}  // namespace
}  // namespace sluice::controlplane
