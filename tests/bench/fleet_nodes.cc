#include "tests/bench/fleet_nodes.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <grpcpp/alarm.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <deque>
#include <utility>

#include "common/model/kind.h"
#include "envoy/service/discovery/v3/discovery.pb.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::bench {
namespace {

namespace xds = ::envoy::service::discovery::v3;
using grpc::ByteBuffer;
using Call = grpc::GenericClientAsyncReaderWriter;

constexpr char kDiscover[] =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
constexpr char kReport[] = "/sluice.v1.NodeStatusService/Report";

// gRPC takes the wall clock only.
std::chrono::system_clock::time_point After(std::chrono::milliseconds time) {
  return std::chrono::system_clock::now() + time;
}

ByteBuffer BytesOf(const google::protobuf::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

std::string TextOf(const ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  (void)buffer.Dump(&slices);
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

// What of an answer a node acts on.
struct Head {
  std::string type_url;
  std::string nonce;
  std::int64_t generation = 0;
};

Head HeadOf(ByteBuffer& answer) {
  Head head;
  grpc::ProtoBufferReader reader(&answer);
  google::protobuf::io::CodedInputStream input(&reader);
  while (const std::uint32_t tag = input.ReadTag()) {
    std::uint32_t size = 0;
    if ((tag & 7) != 2 || !input.ReadVarint32(&size)) break;
    std::string* into = nullptr;
    std::string version;
    switch (tag >> 3) {
      case xds::DeltaDiscoveryResponse::kSystemVersionInfoFieldNumber:
        into = &version;
        break;
      case xds::DeltaDiscoveryResponse::kTypeUrlFieldNumber:
        into = &head.type_url;
        break;
      case xds::DeltaDiscoveryResponse::kNonceFieldNumber:
        into = &head.nonce;
        break;
      default:
        break;
    }
    const int length = static_cast<int>(size);
    if (into == nullptr ? !input.Skip(length) : !input.ReadString(into, length)) break;
    if (into == &version) head.generation = std::stoll(version);
  }
  return head;
}

}  // namespace

void Arrivals::Moved(std::int64_t from, std::int64_t to) {
  const std::lock_guard lock(mutex_);
  for (std::int64_t generation = from + 1; generation <= to; ++generation) {
    if (at_.contains(generation)) continue;
    auto& missing = missing_.try_emplace(generation, nodes_).first->second;
    if (--missing == 0) {
      missing_.erase(generation);
      at_[generation] = Clock::now();
    }
  }
}

bool Arrivals::Everywhere(std::int64_t generation) const {
  const std::lock_guard lock(mutex_);
  return at_.contains(generation);
}

Clock::time_point Arrivals::At(std::int64_t generation) const {
  const std::lock_guard lock(mutex_);
  return at_.at(generation);
}

struct FleetNodes::Operation {
  enum class Kind { kDiscover, kRead, kWrite, kReport, kReportRead, kReportWrite, kEnd, kRetry };
  Node* node;
  Kind kind;
};

struct FleetNodes::Node {
  std::string id;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<grpc::GenericStub> stub;

  std::unique_ptr<grpc::ClientContext> discover_context;
  std::unique_ptr<grpc::ClientContext> report_context;
  std::unique_ptr<Call> discover;
  std::unique_ptr<Call> report;
  grpc::Alarm alarm;
  ByteBuffer answer;
  ByteBuffer report_ack;
  std::deque<ByteBuffer> to_write;
  bool first = false;
  bool writing = false;
  bool reporting = false;
  bool report_owed = false;
  bool report_open = false;
  bool counted = false;
  bool broken = false;
  int pending = 0;  // Operations that have not come back.
  std::int64_t generation = 0;

  Operation on_discover{this, Operation::Kind::kDiscover};
  Operation on_read{this, Operation::Kind::kRead};
  Operation on_write{this, Operation::Kind::kWrite};
  Operation on_report{this, Operation::Kind::kReport};
  Operation on_report_read{this, Operation::Kind::kReportRead};
  Operation on_report_write{this, Operation::Kind::kReportWrite};
  Operation on_retry{this, Operation::Kind::kRetry};
};

FleetNodes::FleetNodes(const std::string& address, std::size_t nodes)
    : address_(address), arrivals_(nodes) {
  grpc::ChannelArguments arguments;
  arguments.SetInt("grpc.use_local_subchannel_pool", 1);  // A connection each.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 200);
  arguments.SetMaxReceiveMessageSize(-1);
  for (std::size_t i = 0; i < nodes; ++i) {
    auto node = std::make_unique<Node>();
    node->id = fmt::format("node-{:05}", i);
    node->first = i == 0;
    node->channel =
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    node->stub = std::make_unique<grpc::GenericStub>(node->channel);
    nodes_.push_back(std::move(node));
  }
  thread_ = std::thread([this] {
    for (const auto& node : nodes_) Open(*node);
    Run();
  });
}

FleetNodes::~FleetNodes() {
  stopping_ = true;
  for (const auto& node : nodes_) {
    // Contexts are replaced by the thread alone, and not any more.
    const std::lock_guard lock(mutex_);
    if (node->discover_context != nullptr) node->discover_context->TryCancel();
    if (node->report_context != nullptr) node->report_context->TryCancel();
  }
  thread_.join();
}

std::string FleetNodes::LastAnswer(const std::string& kind) const {
  const std::lock_guard lock(mutex_);
  const auto found = last_answers_.find("type.googleapis.com/sluice.v1." + kind);
  return found == last_answers_.end() ? "" : found->second;
}

void FleetNodes::Open(Node& node) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  node.discover = nullptr;
  node.report = nullptr;
  node.discover_context = std::make_unique<grpc::ClientContext>();
  node.report_context = std::make_unique<grpc::ClientContext>();
  node.discover_context->set_wait_for_ready(true);
  node.report_context->set_wait_for_ready(true);
  node.to_write.clear();
  node.writing = true;  // Until the stream has started.
  node.reporting = true;
  node.report_owed = true;
  node.report_open = node.broken = false;

  xds::DeltaDiscoveryRequest request;
  request.mutable_node()->set_id(node.id);
  const auto subscribe = [&](std::string_view type_url) {
    request.set_type_url(std::string(type_url));
    request.add_resource_names_subscribe("*");
    const auto held = held_.find(request.type_url());
    if (node.generation != 0 && held != held_.end()) {
      auto& claimed = *request.mutable_initial_resource_versions();
      for (const auto& [name, version] : held->second) claimed[name] = version;
    }
    node.to_write.push_back(BytesOf(request));
    request.Clear();
  };
  for (const model::Kind& kind : model::Kinds()) {
    if (!kind.read_only) subscribe(kind.type_url);
  }
  subscribe(model::kGenerationTypeUrl);

  node.discover = node.stub->PrepareCall(node.discover_context.get(), kDiscover, &queue_);
  node.report = node.stub->PrepareCall(node.report_context.get(), kReport, &queue_);
  node.pending = 2;
  node.discover->StartCall(&node.on_discover);
  node.report->StartCall(&node.on_report);
}

void FleetNodes::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (true) {
    const auto got = queue_.AsyncNext(&tag, &ok, After(std::chrono::milliseconds(50)));
    if (got == grpc::CompletionQueue::GOT_EVENT) Done(*static_cast<Operation*>(tag), ok);
    if (!stopping_ || got == grpc::CompletionQueue::GOT_EVENT) continue;
    std::size_t pending = 0;
    for (const auto& node : nodes_) pending += static_cast<std::size_t>(node->pending);
    if (pending == 0) break;
  }
  queue_.Shutdown();
  while (queue_.Next(&tag, &ok)) {
  }
}

void FleetNodes::Done(Operation& operation, bool ok) {
  Node& node = *operation.node;
  --node.pending;
  if (operation.kind == Operation::Kind::kRetry) {
    Open(node);
    return;
  }
  if (!ok && !std::exchange(node.broken, true)) {
    if (std::exchange(node.counted, false)) --connected_;
    node.discover_context->TryCancel();
    node.report_context->TryCancel();
  }
  if (node.broken) {
    if (node.pending == 0 && !stopping_) {
      node.pending = 1;
      node.alarm.Set(&queue_, After(std::chrono::milliseconds(50)), &node.on_retry);
    }
    return;
  }
  switch (operation.kind) {
    case Operation::Kind::kDiscover:
      ++node.pending;
      node.discover->Read(&node.answer, &node.on_read);
      node.writing = false;
      WriteNext(node);
      break;
    case Operation::Kind::kRead:
      TakeAnswer(node);
      break;
    case Operation::Kind::kWrite:
      node.writing = false;
      WriteNext(node);
      break;
    case Operation::Kind::kReport:
      ++node.pending;
      node.report->Read(&node.report_ack, &node.on_report_read);
      node.reporting = false;
      Report(node);
      break;
    case Operation::Kind::kReportRead:
      if (!std::exchange(node.counted, true)) ++connected_;
      node.reporting = false;
      ++node.pending;
      node.report->Read(&node.report_ack, &node.on_report_read);
      if (node.report_owed) Report(node);
      break;
    default:
      break;
  }
}

void FleetNodes::TakeAnswer(Node& node) {
  const Head head = HeadOf(node.answer);
  if (node.first) Remember(node.answer, head.type_url);
  xds::DeltaDiscoveryRequest ack;
  ack.set_type_url(head.type_url);
  ack.set_response_nonce(head.nonce);
  node.to_write.push_back(BytesOf(ack));
  WriteNext(node);
  if (head.type_url == model::kGenerationTypeUrl && head.generation > node.generation) {
    arrivals_.Moved(node.generation, head.generation);
    node.generation = head.generation;
    node.report_owed = true;
    Report(node);
  }
  node.answer.Clear();
  ++node.pending;
  node.discover->Read(&node.answer, &node.on_read);
}

void FleetNodes::WriteNext(Node& node) {
  if (node.writing || node.to_write.empty()) return;
  node.writing = true;
  ++node.pending;
  const ByteBuffer next = std::move(node.to_write.front());
  node.to_write.pop_front();
  node.discover->Write(next, &node.on_write);
}

// The next report waits for the acknowledgement of the one before.
void FleetNodes::Report(Node& node) {
  if (node.reporting) return;
  node.reporting = true;
  node.report_owed = false;
  v1::NodeReport report;
  report.set_node_id(node.id);
  report.set_active_generation(node.generation);
  ++node.pending;
  node.report->Write(BytesOf(report), &node.on_report_write);
}

void FleetNodes::Remember(const ByteBuffer& answer, const std::string& type_url) {
  xds::DeltaDiscoveryResponse response;
  const std::string bytes = TextOf(answer);
  if (!response.ParseFromString(bytes)) return;
  const std::lock_guard lock(mutex_);
  for (const auto& resource : response.resources()) {
    held_[type_url][resource.name()] = resource.version();
  }
  for (const std::string& name : response.removed_resources()) held_[type_url].erase(name);
  last_answers_[type_url] = bytes;
}

}  // namespace sluice::bench
