#include "controlplane/discovery/delta_session.h"

#include <fmt/format.h>

#include "common/base/bounded_text.h"
#include "common/base/limits.h"
#include "controlplane/discovery/nack.h"

namespace sluice::controlplane {
namespace {

using envoy::service::discovery::v3::DeltaDiscoveryRequest;

constexpr std::string_view kWildcard = "*";
// Leaves room for the fields around the resources.
constexpr std::size_t kAnswerBytes = limits::kDiscoveryResponseBytes - 4096;
// More changes than this are found faster by comparing everything.
constexpr std::size_t kTrackedChanges = 10'000;

}  // namespace

DeltaSession::DeltaSession(NodeIdentity node, std::shared_ptr<const Snapshot> snapshot)
    : node_(std::move(node)),
      target_(std::move(snapshot)),
      latest_(target_),
      types_(GenerationTypeIndex() + 1) {}

Result<std::optional<AnswerVerdict>> DeltaSession::OnRequest(const DeltaDiscoveryRequest& request) {
  if (request.has_node()) {
    if (auto same = CheckSameNode(node_, request.node().id()); !same) {
      return tl::unexpected(same.error());
    }
  }
  if (request.type_url().empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "`type_url` must be set in every request of an aggregated stream");
  }
  const auto index = FindStreamedType(request.type_url());
  if (!index) {
    if (auto queued = QueueTypeError(request); !queued) return tl::unexpected(queued.error());
    return std::nullopt;
  }
  auto verdict = TakeVerdict(*index, request);
  if (auto changed = ChangeSubscription(*index, request); !changed) {
    return tl::unexpected(changed.error());
  }
  return verdict;
}

std::optional<AnswerVerdict> DeltaSession::TakeVerdict(TypeIndex index,
                                                       const DeltaDiscoveryRequest& request) {
  Type& type = types_[index];
  // A stale nonce speaks of an answer that no longer matters.
  if (!type.in_flight || request.response_nonce() != type.in_flight->nonce) return std::nullopt;
  const InFlight answer = std::move(*type.in_flight);
  type.in_flight.reset();
  if (!request.has_error_detail()) return AnswerVerdict{index, answer.generation, answer.items, {}};
  return ReadNack(index, answer.generation, request.error_detail(), answer.items);
}

Result<void> DeltaSession::ChangeSubscription(TypeIndex index,
                                              const DeltaDiscoveryRequest& request) {
  Type& type = types_[index];
  Subscription& subscription = type.subscription;
  const SnapshotTable& table = *target_->tables[index];
  const bool first = !type.seen;
  type.seen = true;

  bool wildcard_added = first && request.resource_names_subscribe().empty() &&
                        request.resource_names_unsubscribe().empty();
  for (const std::string& name : request.resource_names_unsubscribe()) {
    if (name == kWildcard) {
      subscription.UnsubscribeWildcard();
    } else {
      subscription.Unsubscribe(name, table);
    }
  }
  std::vector<const std::string*> names;
  for (const std::string& name : request.resource_names_subscribe()) {
    if (name == kWildcard) {
      wildcard_added = wildcard_added || !subscription.wildcard();
      continue;
    }
    if (name.empty() || name.size() > limits::kSubscribedNameBytes) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("a name in `resource_names_subscribe` must have 1-{} bytes, got {}",
                              limits::kSubscribedNameBytes, name.size()));
    }
    subscription.Subscribe(name);
    names.push_back(&name);
  }
  if (subscription.names() > limits::kSubscribedNames) {
    return Fail(ErrorCode::kResourceExhausted,
                fmt::format("a stream can subscribe to at most {} names of a type, use '*' for all",
                            limits::kSubscribedNames));
  }
  if (wildcard_added) subscription.SubscribeWildcard();
  if (first && !request.initial_resource_versions().empty()) {
    const auto& claimed = request.initial_resource_versions();
    subscription.Claim({claimed.begin(), claimed.end()}, target_->tables[index]);
  }

  if (index == GenerationTypeIndex()) {
    for (const std::string* name : names) {
      const bool claimed = first && request.initial_resource_versions().contains(*name);
      if (*name != model::kGenerationName) {
        subscription.PlanAnyway(*name, table);
      } else if (!claimed) {
        generation_owed_ = true;
      }
    }
    return {};
  }
  for (const std::string* name : names) {
    // On a reconnect the client restates what it subscribes to; what it holds is not sent again.
    if (first && request.initial_resource_versions().contains(*name)) {
      subscription.Plan(*name, table);
    } else {
      subscription.PlanAnyway(*name, table);
    }
  }
  if (wildcard_added || first) subscription.PlanEverything(target_->tables[index]);
  type.owes_empty = type.owes_empty || (first && wildcard_added && table.entries().empty() &&
                                        request.initial_resource_versions().empty());
  return {};
}

Result<void> DeltaSession::QueueTypeError(const DeltaDiscoveryRequest& request) {
  if (!request.response_nonce().empty() && request.resource_names_subscribe().empty()) return {};
  if (type_errors_.size() >= limits::kUnansweredTypeErrors) {
    return Fail(ErrorCode::kResourceExhausted,
                fmt::format("more than {} requests of unknown types wait for their answers",
                            limits::kUnansweredTypeErrors));
  }
  DiscoveryAnswer answer;
  answer.type_url = BoundedText(request.type_url(), limits::kSubscribedNameBytes);
  const Error error{ErrorCode::kInvalidArgument,
                    fmt::format("`type_url` '{}' is not a type of this server", answer.type_url)};
  for (const std::string& name : request.resource_names_subscribe()) {
    if (answer.errors.size() == limits::kRefusalDetails) break;
    answer.errors.emplace_back(BoundedText(name, limits::kSubscribedNameBytes), error);
  }
  if (answer.errors.empty()) answer.errors.emplace_back(kWildcard, error);
  type_errors_.push_back(std::move(answer));
  return {};
}

void DeltaSession::OnSnapshot(std::shared_ptr<const Snapshot> snapshot) {
  if (snapshot->id <= latest_->id) return;
  if (snapshot->parent_id != latest_->id) chain_broken_ = true;
  if (changed_since_target_.size() + snapshot->changed.size() > kTrackedChanges) {
    chain_broken_ = true;
  }
  if (chain_broken_) {
    changed_since_target_.clear();
  } else {
    for (const SnapshotName& changed : snapshot->changed) {
      changed_since_target_.emplace(changed.type, changed.name);
    }
  }
  latest_ = std::move(snapshot);
}

std::optional<DiscoveryAnswer> DeltaSession::NextAnswer() {
  if (!type_errors_.empty()) {
    DiscoveryAnswer answer = std::move(type_errors_.front());
    type_errors_.pop_front();
    answer.nonce = fmt::format("{}", ++last_nonce_);
    answer.generation = target_->generation;
    return answer;
  }
  if (auto absent = NextAbsent()) return absent;
  do {
    bool blocked = false;
    if (auto updates = NextUpdates(blocked); updates || blocked) return updates;
    if (auto removals = NextRemovals(blocked); removals || blocked) return removals;
    if (auto generation = NextGeneration(blocked); generation || blocked) return generation;
  } while (StartNextRound());
  return std::nullopt;
}

// Answers to names that do not exist say nothing of a generation: they wait for nobody else.
std::optional<DiscoveryAnswer> DeltaSession::NextAbsent() {
  for (TypeIndex index = 0; index < types_.size(); ++index) {
    Type& type = types_[index];
    if (type.in_flight || (!type.subscription.has_absent() && !type.owes_empty)) continue;
    if (type.subscription.has_updates()) continue;  // They go along with those.
    DiscoveryAnswer answer = MakeAnswer(index);
    answer.removed = type.subscription.TakeAbsent(kAnswerBytes);
    return answer;
  }
  return std::nullopt;
}

std::optional<DiscoveryAnswer> DeltaSession::NextUpdates(bool& blocked) {
  for (TypeIndex index = 0; index < GenerationTypeIndex(); ++index) {
    Type& type = types_[index];
    if (!type.subscription.has_updates()) continue;
    blocked = type.in_flight.has_value();
    if (blocked) return std::nullopt;
    DiscoveryAnswer answer = MakeAnswer(index);
    answer.resources = type.subscription.TakeUpdates(kAnswerBytes / 2);
    type.in_flight->items = answer.resources;
    if (type.subscription.has_absent()) {
      answer.removed = type.subscription.TakeAbsent(kAnswerBytes / 4);
    }
    if (NothingBetween(index)) {
      auto removals = type.subscription.TakeRemovals(kAnswerBytes / 4);
      answer.removed.insert(answer.removed.end(), std::make_move_iterator(removals.begin()),
                            std::make_move_iterator(removals.end()));
    }
    generation_owed_ = true;
    return answer;
  }
  return std::nullopt;
}

bool DeltaSession::NothingBetween(TypeIndex index) const {
  if (types_[index].subscription.has_updates()) return false;
  for (TypeIndex later = index + 1; later < GenerationTypeIndex(); ++later) {
    const Subscription& other = types_[later].subscription;
    if (other.has_updates() || other.has_removals()) return false;
  }
  return true;
}

std::optional<DiscoveryAnswer> DeltaSession::NextRemovals(bool& blocked) {
  for (TypeIndex index = GenerationTypeIndex(); index-- > 0;) {
    Type& type = types_[index];
    if (!type.subscription.has_removals()) continue;
    blocked = type.in_flight.has_value();
    if (blocked) return std::nullopt;
    DiscoveryAnswer answer = MakeAnswer(index);
    answer.removed = type.subscription.TakeRemovals(kAnswerBytes);
    generation_owed_ = true;
    return answer;
  }
  return std::nullopt;
}

std::optional<DiscoveryAnswer> DeltaSession::NextGeneration(bool& blocked) {
  Type& type = types_.back();
  if (!type.subscription.Covers(model::kGenerationName)) return std::nullopt;
  const auto& item = target_->tables.back()->entries().front().item;
  const std::string* held = type.subscription.HeldVersion(item->name);
  if (!generation_owed_ && held != nullptr && *held == item->version) return std::nullopt;
  blocked = type.in_flight.has_value();
  if (blocked) return std::nullopt;
  DiscoveryAnswer answer = MakeAnswer(GenerationTypeIndex());
  answer.resources.push_back(item);
  type.in_flight->items = answer.resources;
  type.subscription.Hold(item);
  generation_owed_ = false;
  return answer;
}

bool DeltaSession::StartNextRound() {
  for (TypeIndex index = 0; index < GenerationTypeIndex(); ++index) {
    types_[index].subscription.Settle(target_->tables[index]);
  }
  if (latest_ == target_) return false;
  target_ = latest_;
  for (TypeIndex index = 0; index < GenerationTypeIndex(); ++index) {
    if (chain_broken_) types_[index].subscription.PlanEverything(target_->tables[index]);
  }
  for (const auto& [index, name] : changed_since_target_) {
    types_[index].subscription.Plan(name, *target_->tables[index]);
  }
  changed_since_target_.clear();
  chain_broken_ = false;
  return true;
}

std::size_t DeltaSession::own_entries() const {
  std::size_t entries = changed_since_target_.size();
  for (const Type& type : types_) entries += type.subscription.own_entries();
  return entries;
}

DiscoveryAnswer DeltaSession::MakeAnswer(TypeIndex index) {
  DiscoveryAnswer answer;
  answer.type_url = std::string(StreamedTypeUrls()[index]);
  answer.nonce = fmt::format("{}", ++last_nonce_);
  answer.generation = target_->generation;
  types_[index].in_flight = InFlight{answer.nonce, answer.generation, {}};
  types_[index].owes_empty = false;
  return answer;
}

}  // namespace sluice::controlplane
