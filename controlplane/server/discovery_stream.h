// One discovery stream on gRPC: bytes in, session, bytes out. Everything that decides is in the
// session; this holds the lock, the order of reads and writes, and the stream's end. At most one
// write is under way, and the session is asked for the next answer only when it is done. Keeps
// itself alive until gRPC is done with it. Thread-safe.
#pragma once

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/base/limits.h"
#include "common/base/mutex.h"
#include "controlplane/discovery/discovery_response.h"
#include "controlplane/discovery/node_identity.h"
#include "controlplane/fleet/fleet.h"
#include "controlplane/server/answer_bytes.h"
#include "controlplane/server/caller_of.h"
#include "controlplane/server/grpc_status.h"
#include "controlplane/server/stream_events.h"
#include "controlplane/server/stream_registry.h"
#include "controlplane/snapshot/snapshot_feed.h"

namespace sluice::controlplane {

// What all streams of a server share. Outlives them.
struct StreamSurroundings {
  SnapshotFeed& feed;
  Fleet& fleet;
  StreamRegistry& registry;
  StreamEvents& events;
  AnswerEncoder& encoder;
};

inline grpc::Status ToStatus(const Error& error) { return {GrpcCode(error.code), error.message}; }

// Protocol: `Request` (a message with a node) and `Session` (as DeltaSession).
template <typename Protocol>
class DiscoveryStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                              public OpenStream,
                              public SnapshotListener,
                              public std::enable_shared_from_this<DiscoveryStream<Protocol>> {
 public:
  static DiscoveryStream* Start(const StreamSurroundings& surroundings,
                                grpc::CallbackServerContext& context) {
    const std::shared_ptr<DiscoveryStream> stream(
        new DiscoveryStream(surroundings, CallerOf(context)));
    stream->self_ = stream;
    // Tells a client that a Generation closes each consistent state, so that it can wait for one.
    context.AddInitialMetadata("sluice-xds-profile", "generation");
    stream->StartSendInitialMetadata();
    if (auto added = surroundings.registry.Add(stream); added) {
      stream->StartRead(&stream->incoming_);
    } else {
      stream->End(added.error());
    }
    return stream.get();
  }

  void End(const Error& error) override {
    const MutexLock lock(mutex_);
    FinishOnce(ToStatus(error));
  }

  void OnSnapshot(std::shared_ptr<const Snapshot> snapshot) override {
    const MutexLock lock(mutex_);
    if (!session_) return;
    session_->OnSnapshot(std::move(snapshot));
    SendNext();
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      const MutexLock lock(mutex_);
      FinishOnce(grpc::Status::OK);
      return;
    }
    std::shared_ptr<OpenStream> replaced;
    {
      const MutexLock lock(mutex_);
      auto taken = TakeRequest(replaced);
      if (!taken) FinishOnce(ToStatus(taken.error()));
      SendNext();
    }
    if (replaced != nullptr) {
      replaced->End(
          {ErrorCode::kConflict, "a newer stream of the same node id took this one's place"});
    }
    // Should the stream have ended meanwhile, the read fails.
    this->StartRead(&incoming_);
  }

  void OnWriteDone(bool /*ok*/) override {
    const MutexLock lock(mutex_);
    writing_ = false;
    SendNext();
  }

  void OnDone() override {
    const auto self = std::move(self_);
    surroundings_.registry.Remove(self);
    if (node_id_) surroundings_.fleet.DiscoveryClosed(*node_id_);
  }

 private:
  using Request = typename Protocol::Request;

  DiscoveryStream(const StreamSurroundings& surroundings, Caller caller)
      : surroundings_(surroundings), caller_(std::move(caller)) {}

  Result<void> TakeRequest(std::shared_ptr<OpenStream>& replaced)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (finished_) return {};
    if (incoming_.Length() > limits::kDiscoveryRequestBytes) {
      return Fail(ErrorCode::kResourceExhausted,
                  fmt::format("a discovery request can have at most {} bytes, got {}: subscribe to "
                              "'*' or to fewer names a request",
                              limits::kDiscoveryRequestBytes, incoming_.Length()));
    }
    Request request;
    grpc::ProtoBufferReader reader(&incoming_);
    if (!request.ParseFromZeroCopyStream(&reader)) {
      return Fail(ErrorCode::kInvalidArgument, "the request is not a valid discovery request");
    }
    incoming_.Clear();
    if (!session_) {
      if (auto opened = OpenSession(request, replaced); !opened) return opened;
    }
    auto verdict = session_->OnRequest(request);
    if (!verdict) return tl::unexpected(verdict.error());
    if (*verdict) surroundings_.events.Answered(session_->node(), **verdict);
    if (session_->subscribed_to_generation()) {
      surroundings_.fleet.FollowsGenerations(session_->node().id);
    }
    return {};
  }

  Result<void> OpenSession(const Request& request, std::shared_ptr<OpenStream>& replaced)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    auto node = ParseNode(request.node());
    if (!node) return tl::unexpected(node.error());
    if (auto may = Authorize(caller_, {Verb::kFollow, node->id}); !may) return may;
    if (auto opened = surroundings_.fleet.DiscoveryOpened(*node); !opened) return opened;
    node_id_ = node->id;
    replaced = surroundings_.registry.Claim(node->id, this->shared_from_this());
    if (replaced != nullptr) surroundings_.events.Replaced(*node);
    // The lock is held: a snapshot after the current one waits until there is a session.
    view_ = surroundings_.feed.Open(node->labels, this->weak_from_this());
    session_.emplace(std::move(*node), view_->Current());
    return {};
  }

  void SendNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || finished_ || !session_) return;
    auto answer = session_->NextAnswer();
    if (!answer) return;
    outgoing_ = surroundings_.encoder.Encode(*answer);
    writing_ = true;
    this->StartWrite(&outgoing_);
  }

  void FinishOnce(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (finished_) return;
    finished_ = true;
    view_.reset();
    this->Finish(status);
  }

  const StreamSurroundings surroundings_;
  const Caller caller_;
  std::shared_ptr<DiscoveryStream> self_;  // Until OnDone.
  // One read is under way at a time, and OnDone comes last, so these have one user.
  grpc::ByteBuffer incoming_;
  std::optional<std::string> node_id_;

  Mutex mutex_;
  std::optional<typename Protocol::Session> session_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<SnapshotFeed::View> view_ ABSL_GUARDED_BY(mutex_);
  grpc::ByteBuffer outgoing_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice::controlplane
