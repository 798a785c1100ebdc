// What a change costs with many data planes. Starts the real control plane and simulated data
// planes (fleet_nodes.h), and prints one line of JSON; tests/bench/fleet.sh judges it.
//   bench_fleet steady NODES SLICES       a change after quiet, ctl, 200 changes a second, restart
//   bench_fleet quiet NODES SLICES        the first of these alone
//   bench_fleet large NODES OBJECTS       apply, get and memory with many objects
//   bench_fleet bare ADDRESS              serves: what gRPC alone takes to send the same bytes
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <functional>
#include <set>
#include <string_view>

#include "common/base/check.h"
#include "common/base/library_locks.h"
#include "common/model/kind.h"
#include "envoy/service/discovery/v3/ads.grpc.pb.h"
#include "fmt/format.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/listener.pb.h"
#include "sluice/v1/node_status.grpc.pb.h"
#include "sluice/v1/resources.grpc.pb.h"
#include "sluice/v1/upstream.pb.h"
#include "tests/bench/fleet_nodes.h"
#include "tests/support/sluice_processes.h"

namespace sluice::bench {
namespace {

namespace xds = ::envoy::service::discovery::v3;
using std::chrono::milliseconds;
using Milliseconds = std::vector<double>;

double MsSince(Clock::time_point begin, Clock::time_point end = Clock::now()) {
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

std::string Summary(Milliseconds values) {
  SLUICE_CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  return fmt::format(R"({{"p50": {:.2f}, "p99": {:.2f}, "max": {:.2f}, "n": {}}})", at(0.5),
                     at(0.99), values.back(), values.size());
}

void Await(const std::string& what, const std::function<bool()>& done,
           std::chrono::seconds deadline = std::chrono::seconds(120)) {
  const auto end = Clock::now() + deadline;
  while (!done()) {
    if (Clock::now() > end) {
      fmt::print(stderr, "error: waited too long for {}\n", what);
      std::exit(1);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

// ---- objects

template <typename Message>
google::protobuf::Any Packed(const Message& message) {
  google::protobuf::Any any;
  any.PackFrom(message);
  return any;
}

google::protobuf::Any Upstream(const std::string& name, int port) {
  v1::Upstream upstream;
  upstream.mutable_metadata()->set_name(name);
  upstream.mutable_spec()->add_endpoints()->set_address(fmt::format("10.255.0.1:{}", port));
  return Packed(upstream);
}

google::protobuf::Any Listener(const std::string& name, const std::string& upstream, int number) {
  v1::Listener listener;
  listener.mutable_metadata()->set_name(name);
  listener.mutable_spec()->set_address(fmt::format("10.{}.{}.1:5432", number / 250, number % 250));
  listener.mutable_spec()->add_routes()->mutable_proxy()->set_upstream(upstream);
  return Packed(listener);
}

// 100 endpoints of the upstream `u`; the first one's port is `port`.
google::protobuf::Any Slice(int number, int port) {
  v1::EndpointSlice slice;
  slice.mutable_metadata()->set_name(fmt::format("slice-{:03}", number));
  slice.mutable_spec()->set_upstream("u");
  for (int i = 0; i < 100; ++i) {
    slice.mutable_spec()->add_endpoints()->set_address(
        fmt::format("10.1.{}.{}:{}", number, i + 1, i == 0 ? port : 8080));
  }
  return Packed(slice);
}

std::unique_ptr<v1::ResourceService::Stub> ApiStub(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt("grpc.use_local_subchannel_pool", 1);
  arguments.SetMaxReceiveMessageSize(-1);
  return v1::ResourceService::NewStub(
      grpc::CreateCustomChannel("ipv4:" + address, grpc::InsecureChannelCredentials(), arguments));
}

std::int64_t Apply(v1::ResourceService::Stub& api,
                   const std::vector<google::protobuf::Any>& resources) {
  v1::ApplyRequest request;
  request.mutable_resources()->Add(resources.begin(), resources.end());
  v1::ApplyResponse response;
  grpc::ClientContext context;
  const grpc::Status status = api.Apply(&context, request, &response);
  if (!status.ok()) {
    fmt::print(stderr, "error: apply: {}\n", status.error_message());
    std::exit(1);
  }
  return response.generation();
}

// ---- the bare server: streams that only send what they are told

class BareServer final
    : public xds::AggregatedDiscoveryService::WithRawCallbackMethod_DeltaAggregatedResources<
          xds::AggregatedDiscoveryService::Service>,
      public v1::ResourceService::CallbackService {
 public:
  // Sends the two messages in the request on every stream, one after the other.
  grpc::ServerUnaryReactor* Apply(grpc::CallbackServerContext* context,
                                  const v1::ApplyRequest* request,
                                  v1::ApplyResponse* /*response*/) override {
    Messages messages;
    for (const auto& message : request->resources()) {
      const grpc::Slice slice(message.value());
      messages.emplace_back(&slice, 1);
    }
    {
      const std::lock_guard lock(mutex_);
      pushed_.push_back(std::move(messages));
    }
    wake_.notify_one();
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* DeltaAggregatedResources(
      grpc::CallbackServerContext* /*context*/) override {
    auto* stream = new Stream(*this);
    const std::lock_guard lock(mutex_);
    streams_.insert(stream);
    return stream;
  }

  // As the control plane does: on a thread of its own.
  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return !pushed_.empty(); });
      const Messages messages = std::move(pushed_.front());
      pushed_.erase(pushed_.begin());
      for (Stream* stream : streams_) stream->Push(messages);
    }
  }

 private:
  using Messages = std::vector<grpc::ByteBuffer>;

  class Stream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
   public:
    explicit Stream(BareServer& server) : server_(server) { StartRead(&in_); }
    void Push(const Messages& messages) {
      const std::lock_guard lock(mutex_);
      waiting_.insert(waiting_.end(), messages.begin(), messages.end());
      Next();
    }
    void OnReadDone(bool ok) override {
      if (ok) return StartRead(&in_);
      {
        const std::lock_guard lock(server_.mutex_);
        server_.streams_.erase(this);
      }
      Finish(grpc::Status::OK);
    }
    void OnWriteDone(bool /*ok*/) override {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      Next();
    }
    void OnDone() override { delete this; }

   private:
    void Next() {
      if (writing_ || waiting_.empty()) return;
      writing_ = true;
      out_ = waiting_.front();
      waiting_.erase(waiting_.begin());
      StartWrite(&out_);
    }
    BareServer& server_;
    std::mutex mutex_;
    grpc::ByteBuffer in_;
    grpc::ByteBuffer out_;
    Messages waiting_;
    bool writing_ = false;
  };

  std::mutex mutex_;
  std::condition_variable wake_;
  std::set<Stream*> streams_;
  std::vector<Messages> pushed_;
};

class BareReports final : public v1::NodeStatusService::CallbackService {
 public:
  grpc::ServerBidiReactor<v1::NodeReport, v1::NodeReportAck>* Report(
      grpc::CallbackServerContext* /*context*/) override {
    class Stream final : public grpc::ServerBidiReactor<v1::NodeReport, v1::NodeReportAck> {
     public:
      Stream() { StartRead(&report_); }
      void OnReadDone(bool ok) override {
        if (ok) return StartWrite(&ack_);
        Finish(grpc::Status::OK);
      }
      void OnWriteDone(bool ok) override {
        if (ok) StartRead(&report_);
      }
      void OnDone() override { delete this; }

     private:
      v1::NodeReport report_;
      v1::NodeReportAck ack_;
    };
    return new Stream;
  }
};

int Serve(const std::string& address) {
  BareServer service;
  BareReports reports;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(static_cast<xds::AggregatedDiscoveryService::Service*>(&service));
  builder.RegisterService(static_cast<v1::ResourceService::CallbackService*>(&service));
  builder.RegisterService(&reports);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  service.Run();
  return 0;
}

// As the control plane sent them, of another generation.
google::protobuf::Any OfGeneration(const std::string& answer, std::int64_t generation) {
  xds::DeltaDiscoveryResponse response;
  SLUICE_CHECK(response.ParseFromString(answer));
  response.set_system_version_info(fmt::format("{}", generation));
  google::protobuf::Any any;
  any.set_value(response.SerializeAsString());
  return any;
}

// Reply of `change` until all nodes have its generation.
Milliseconds ReplyUntilEverywhere(FleetNodes& nodes, int changes,
                                  const std::function<std::int64_t(int)>& change) {
  Milliseconds times;
  for (int i = 0; i < changes; ++i) {
    const std::int64_t generation = change(i);
    const auto replied = Clock::now();
    Await("a change everywhere", [&] { return nodes.arrivals().Everywhere(generation); });
    times.push_back(std::max(0.0, MsSince(replied, nodes.arrivals().At(generation))));
    std::this_thread::sleep_for(
        milliseconds(150));  // Quiet: reports are in, the feed's pause over.
  }
  return times;
}

Milliseconds BareReplyUntilEverywhere(std::size_t count, int changes, const std::string& slice,
                                      const std::string& generation_answer) {
  test::PortLease port;
  test::Process server({test::BinPath("bench_fleet"), "bare", port.Address()});
  const auto api = ApiStub(port.Address());
  FleetNodes nodes("ipv4:" + port.Address(), count);
  Await("the bare server's streams", [&] { return nodes.connected() == count; });
  return ReplyUntilEverywhere(nodes, changes, [&](int i) {
    Apply(*api, {OfGeneration(slice, i + 1), OfGeneration(generation_answer, i + 1)});
    return i + 1;
  });
}

// Changes at a steady rate, whether or not the ones before have been answered.
std::string UnderLoad(const std::string& address, FleetNodes& nodes, int slices, int a_second,
                      int seconds) {
  struct Call {
    double took_ms = 0;
    Clock::time_point due;
    std::int64_t generation = 0;
  };
  const int total = a_second * seconds;
  std::vector<Call> calls(static_cast<std::size_t>(total));
  const auto begin = Clock::now() + milliseconds(50);
  std::atomic<int> next{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 16; ++caller) {
    callers.emplace_back([&] {
      const auto api = ApiStub(address);
      for (int i = next++; i < total; i = next++) {
        Call& call = calls[static_cast<std::size_t>(i)];
        call.due = begin + std::chrono::microseconds(1'000'000LL / a_second * i);
        std::this_thread::sleep_until(call.due);
        call.generation = Apply(*api, {Slice(i % slices, 10'000 + i)});
        call.took_ms = MsSince(call.due);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  const double took = MsSince(begin) / 1000;
  std::int64_t last = 0;
  for (const Call& call : calls) last = std::max(last, call.generation);
  Await("the last change everywhere", [&] { return nodes.arrivals().Everywhere(last); });
  Milliseconds took_ms;
  Milliseconds everywhere_ms;
  for (const Call& call : calls) {
    took_ms.push_back(call.took_ms);
    everywhere_ms.push_back(MsSince(call.due, nodes.arrivals().At(call.generation)));
  }
  return fmt::format(R"({{"asked": {}, "reached": {:.1f}, "apply_ms": {}, "everywhere_ms": {}}})",
                     a_second, total / took, Summary(took_ms), Summary(everywhere_ms));
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}

double RunMs(const std::vector<std::string>& command) {
  const auto begin = Clock::now();
  const auto ran = test::Run(command, {}, std::chrono::seconds(120));
  if (ran.status != 0) {
    fmt::print(stderr, "error: {}: {}{}\n", command[1], ran.out, ran.err);
    std::exit(1);
  }
  return MsSince(begin);
}

std::string SliceYaml(int number, int port) {
  std::string yaml = fmt::format(
      "apiVersion: sluice.dev/v1\nkind: EndpointSlice\nmetadata: {{name: slice-{:03}}}\n"
      "spec:\n  upstream: u\n  endpoints:\n",
      number);
  for (int i = 0; i < 100; ++i) {
    yaml +=
        fmt::format("  - {{address: \"10.1.{}.{}:{}\"}}\n", number, i + 1, i == 0 ? port : 8080);
  }
  return yaml;
}

double MebiBytes(test::ControlPlane& control_plane) {
  return static_cast<double>(test::ResidentBytes(control_plane.process().pid())) / (1 << 20);
}

int Steady(std::size_t count, int slices, bool only_quiet) {
  test::ControlPlane control_plane;
  const auto api = ApiStub(control_plane.api());
  v1::Upstream upstream;  // Its endpoints are in slices.
  upstream.mutable_metadata()->set_name("u");
  std::vector<google::protobuf::Any> objects{Packed(upstream), Listener("l", "u", 0)};
  for (int i = 0; i < slices; ++i) objects.push_back(Slice(i, 8080));
  const std::int64_t first = Apply(*api, objects);

  auto begin = Clock::now();
  FleetNodes nodes("ipv4:" + control_plane.xds(), count);
  Await("the first generation everywhere", [&] { return nodes.arrivals().Everywhere(first); });
  const double cold_ms = MsSince(begin, nodes.arrivals().At(first));
  Await("all reports", [&] { return nodes.connected() == count; });

  const auto one_change = [&](int i) { return Apply(*api, {Slice(i % slices, 9'000 + i)}); };
  ReplyUntilEverywhere(nodes, 10, one_change);
  const auto after_reply = ReplyUntilEverywhere(nodes, 100, one_change);
  if (only_quiet) {
    fmt::print(R"({{"nodes": {}, "endpoints": {}, "reply_until_everywhere_ms": {}, )"
               R"("cold_start_ms": {:.0f}, "memory_mib": {:.0f}}})"
               "\n",
               count, slices * 100, Summary(after_reply), cold_ms, MebiBytes(control_plane));
    return 0;
  }
  const auto bare = BareReplyUntilEverywhere(count, 100, nodes.LastAnswer("EndpointSlice"),
                                             nodes.LastAnswer("Generation"));
  Milliseconds waits;
  test::TempDir folder;
  for (int i = 0; i < 30; ++i) {
    WriteFile(folder.File("slice.yaml"), SliceYaml(i % slices, 20'000 + i));
    waits.push_back(RunMs({test::BinPath("ctl"), "--server", control_plane.api(), "apply", "--wait",
                           "-f", folder.File("slice.yaml")}));
  }
  const double memory = MebiBytes(control_plane);
  const std::string load = UnderLoad(control_plane.api(), nodes, slices, 200, 20);
  const double memory_after = MebiBytes(control_plane);

  control_plane.Kill();
  Await("the streams to break", [&] { return nodes.connected() == 0; });
  begin = Clock::now();
  control_plane.Start();
  Await("all nodes back", [&] { return nodes.connected() == count; });
  const double restart_ms = MsSince(begin);

  fmt::print(R"({{"nodes": {}, "endpoints": {}, "reply_until_everywhere_ms": {}, "bare_ms": {}, )"
             R"("apply_wait_ms": {}, "load": {}, "cold_start_ms": {:.0f}, "restart_ms": {:.0f}, )"
             R"("memory_mib": {:.0f}, "memory_after_load_mib": {:.0f}}})"
             "\n",
             count, slices * 100, Summary(after_reply), Summary(bare), Summary(waits), load,
             cold_ms, restart_ms, memory, memory_after);
  return 0;
}

int Large(std::size_t count, int objects) {
  test::ControlPlane control_plane;
  const auto api = ApiStub(control_plane.api());
  for (int i = 0; i < objects / 2; i += 1000) {
    std::vector<google::protobuf::Any> batch;
    for (int n = i; n < std::min(i + 1000, objects / 2); ++n) {
      batch.push_back(Upstream(fmt::format("upstream-{:05}", n), 1 + n));
      batch.push_back(
          Listener(fmt::format("listener-{:05}", n), fmt::format("upstream-{:05}", n), n));
    }
    Apply(*api, batch);
  }
  const std::int64_t first = Apply(*api, {Upstream("upstream-00000", 2)});
  const auto begin = Clock::now();
  FleetNodes nodes("ipv4:" + control_plane.xds(), count);
  Await(
      "the first generation everywhere", [&] { return nodes.arrivals().Everywhere(first); },
      std::chrono::seconds(300));
  const double cold_ms = MsSince(begin, nodes.arrivals().At(first));
  Await("all reports", [&] { return nodes.connected() == count; });
  const double memory = MebiBytes(control_plane);

  Milliseconds applies;
  const auto after_reply = ReplyUntilEverywhere(nodes, 30, [&](int i) {
    const auto asked = Clock::now();
    const auto generation = Apply(*api, {Upstream("upstream-00007", 20'000 + i)});
    applies.push_back(MsSince(asked));
    return generation;
  });
  test::TempDir folder;
  Milliseconds ctl_applies;
  Milliseconds gets;
  for (int i = 0; i < 5; ++i) {
    WriteFile(folder.File("one.yaml"),
              fmt::format("apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {{name: "
                          "upstream-00009}}\nspec: {{endpoints: [{{address: "
                          "\"10.255.0.2:{}\"}}]}}\n",
                          i + 1));
    ctl_applies.push_back(RunMs({test::BinPath("ctl"), "--server", control_plane.api(), "apply",
                                 "-f", folder.File("one.yaml")}));
    gets.push_back(
        RunMs({test::BinPath("ctl"), "--server", control_plane.api(), "get", "upstreams"}));
  }
  fmt::print(R"({{"nodes": {}, "objects": {}, "cold_start_ms": {:.0f}, "memory_mib": {:.0f}, )"
             R"("memory_after_mib": {:.0f}, "apply_ms": {}, "ctl_apply_ms": {}, )"
             R"("ctl_get_all_ms": {}, "reply_until_everywhere_ms": {}}})"
             "\n",
             count, objects, cold_ms, memory, MebiBytes(control_plane), Summary(applies),
             Summary(ctl_applies), Summary(gets), Summary(after_reply));
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice::bench;
  sluice::StopLibraryLockChecks();
  signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[0] == "bare") return Serve(words[1]);
  if (words.size() == 3 && (words[0] == "steady" || words[0] == "quiet")) {
    return Steady(std::stoul(words[1]), std::stoi(words[2]), words[0] == "quiet");
  }
  if (words.size() == 3 && words[0] == "large") {
    return Large(std::stoul(words[1]), std::stoi(words[2]));
  }
  std::fputs("usage: bench_fleet steady|quiet NODES SLICES | large NODES OBJECTS | bare ADDRESS\n",
             stderr);
  return 2;
}
