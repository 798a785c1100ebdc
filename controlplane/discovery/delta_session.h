// The delta protocol of one stream as a plain object: requests and snapshots go in, answers come
// out, no I/O. Keeps at most one answer a type in flight and moves the client from one snapshot to
// the next in rounds: of one fixed snapshot first what is new or changed, types in rank order, then
// what goes, in reverse, then its Generation. Only then the newest snapshot becomes the next
// round's, so that what a slow client missed in between costs nothing and a Generation always
// describes exactly what the stream has carried. Not thread-safe: its stream owns it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "controlplane/discovery/discovery_response.h"
#include "controlplane/discovery/node_identity.h"
#include "controlplane/discovery/subscription.h"
#include "controlplane/snapshot/snapshot.h"
#include "envoy/service/discovery/v3/discovery.pb.h"

namespace sluice::controlplane {

class DeltaSession {
 public:
  DeltaSession(NodeIdentity node, std::shared_ptr<const Snapshot> snapshot);

  // An error ends the stream. The verdict is there when the request acknowledged or refused the
  // answer in flight.
  Result<std::optional<AnswerVerdict>> OnRequest(
      const envoy::service::discovery::v3::DeltaDiscoveryRequest& request);

  void OnSnapshot(std::shared_ptr<const Snapshot> snapshot);

  // The next answer to send, if there is one now. Call again once it is sent; it counts as sent.
  std::optional<DiscoveryAnswer> NextAnswer();

  const NodeIdentity& node() const { return node_; }
  // What is kept for this stream alone, of what it holds or is to be sent; for tests and metrics.
  std::size_t own_entries() const;
  bool subscribed_to_generation() const { return !types_.back().subscription.empty(); }

 private:
  struct InFlight {
    std::string nonce;
    std::int64_t generation;
    Subscription::Items items;
  };
  struct Type {
    Subscription subscription;
    bool seen = false;        // A request of this type has come.
    bool owes_empty = false;  // A first wildcard request is answered even if there is nothing.
    std::optional<InFlight> in_flight;
  };

  Result<void> ChangeSubscription(
      TypeIndex index, const envoy::service::discovery::v3::DeltaDiscoveryRequest& request);
  Result<void> QueueTypeError(const envoy::service::discovery::v3::DeltaDiscoveryRequest& request);
  std::optional<AnswerVerdict> TakeVerdict(
      TypeIndex index, const envoy::service::discovery::v3::DeltaDiscoveryRequest& request);

  std::optional<DiscoveryAnswer> NextAbsent();
  std::optional<DiscoveryAnswer> NextUpdates(bool& blocked);
  std::optional<DiscoveryAnswer> NextRemovals(bool& blocked);
  std::optional<DiscoveryAnswer> NextGeneration(bool& blocked);
  // May removals of the type ride in the same answer as its last updates?
  bool NothingBetween(TypeIndex index) const;
  bool StartNextRound();
  DiscoveryAnswer MakeAnswer(TypeIndex index);

  const NodeIdentity node_;
  std::shared_ptr<const Snapshot> target_;  // Of this round.
  std::shared_ptr<const Snapshot> latest_;
  // Changed between target_ and latest_; unless the chain broke, then everything is compared.
  std::set<std::pair<TypeIndex, std::string>> changed_since_target_;
  bool chain_broken_ = false;

  std::vector<Type> types_;       // By type index; Generation is the last.
  bool generation_owed_ = false;  // Resources were sent since the last Generation.
  std::deque<DiscoveryAnswer> type_errors_;
  std::uint64_t last_nonce_ = 0;
};

}  // namespace sluice::controlplane
