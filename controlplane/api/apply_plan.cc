#include "controlplane/api/apply_plan.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/model/validate.h"
#include "controlplane/api/object_ref.h"
#include "controlplane/api/precondition.h"

namespace sluice::controlplane {
namespace {

using Batch = google::protobuf::RepeatedPtrField<google::protobuf::Any>;

class BatchViolations {
 public:
  void Add(int index, const model::ResourceKey* object, std::string field, std::string message) {
    if (full()) return;
    v1::Violation violation;
    violation.set_resource(index);
    if (object != nullptr) *violation.mutable_object() = RefOf(*object);
    violation.set_field(std::move(field));
    violation.set_message(std::move(message));
    violations_.push_back(std::move(violation));
  }
  bool empty() const { return violations_.empty(); }
  bool full() const { return violations_.size() >= limits::kViolationsCounted; }
  tl::unexpected<Refusal> AsRefusal(ErrorCode code = ErrorCode::kInvalidArgument) {
    return Refuse(code, std::move(violations_));
  }

 private:
  std::vector<v1::Violation> violations_;
};

using Indices = std::map<model::ResourceKey, int>;

// Every resource looked at alone. `indices` says where in the batch each object is.
std::vector<model::Resource> ParseBatch(const Batch& batch, Indices& indices,
                                        BatchViolations& violations) {
  std::vector<model::Resource> resources;
  for (int i = 0; i < batch.size() && !violations.full(); ++i) {
    auto resource = model::Resource::FromAny(batch[i]);
    if (!resource) {
      violations.Add(i, nullptr, "", resource.error().message);
      continue;
    }
    const model::ResourceKey& key = resource->key();
    if (resource->kind().read_only) {
      violations.Add(
          i, &key, "kind",
          fmt::format("`kind` must be one that can be applied, '{}' is made by the control plane",
                      resource->kind().name));
      continue;
    }
    for (const model::Violation& violation : resource->violations()) {
      violations.Add(i, &key, violation.field, violation.message);
    }
    const auto [where, first] = indices.emplace(key, i);
    if (!first) {
      violations.Add(
          i, &key, "metadata.name",
          fmt::format("`metadata.name` must be once in a batch, '{}' is number {} already",
                      key.name, where->second + 1));
    }
    resources.push_back(std::move(*resource));
  }
  return resources;
}

void CheckRelations(const model::ResourceSet& candidate, const std::vector<model::Change>& changes,
                    const Indices& indices, BatchViolations& violations) {
  std::vector<model::ResourceKey> changed;
  changed.reserve(changes.size());
  for (const model::Change& change : changes) changed.push_back(change.key);
  for (const model::ObjectViolation& found : model::ValidateRelations(candidate, changed)) {
    const auto index = indices.find(found.object);
    violations.Add(index == indices.end() ? -1 : index->second, &found.object,
                   found.violation.field, found.violation.message);
  }
}

}  // namespace

Answer<ApplyPlan> PlanApply(const CatalogState& state, const Batch& batch,
                            const google::protobuf::Timestamp& now) {
  if (batch.empty()) {
    return Refuse(ErrorCode::kInvalidArgument, "`resources` must not be empty");
  }
  if (static_cast<std::size_t>(batch.size()) > limits::kApplyResources) {
    return Refuse(ErrorCode::kResourceExhausted,
                  fmt::format("`resources` has at most {} in a batch, got {}",
                              limits::kApplyResources, batch.size()));
  }
  BatchViolations violations;
  Indices indices;
  const std::vector<model::Resource> resources = ParseBatch(batch, indices, violations);
  if (!violations.empty()) return violations.AsRefusal();

  ApplyPlan plan;
  const Stamp stamp{state.generation + 1, now};
  std::size_t created = 0;
  for (const model::Resource& wanted : resources) {
    const model::Resource* stored = state.resources.Find(wanted.key());
    if (auto problem = PreconditionProblem(stored, wanted.meta().resource_version());
        !problem.empty()) {
      violations.Add(indices.at(wanted.key()), &wanted.key(), "metadata.resourceVersion",
                     std::move(problem));
      continue;
    }
    auto changed = Stamped(wanted, stored, stamp);
    if (changed == nullptr) {
      plan.results.push_back(
          {v1::ApplyResponse::UNCHANGED, std::make_shared<const model::Resource>(*stored)});
      continue;
    }
    plan.results.push_back(
        {stored == nullptr ? v1::ApplyResponse::CREATED : v1::ApplyResponse::CONFIGURED, changed});
    plan.changes.push_back({wanted.key(), std::move(changed)});
    if (stored == nullptr) ++created;
  }
  if (!violations.empty()) return violations.AsRefusal(ErrorCode::kConflict);
  if (plan.changes.empty()) return plan;

  if (created > 0 && state.resources.size() + created > limits::kStoredObjects) {
    return Refuse(
        ErrorCode::kResourceExhausted,
        fmt::format("at most {} objects can be stored, there are {} and the batch has {} new ones",
                    limits::kStoredObjects, state.resources.size(), created));
  }
  CheckRelations(state.resources.With(plan.changes), plan.changes, indices, violations);
  if (!violations.empty()) return violations.AsRefusal();
  return plan;
}

}  // namespace sluice::controlplane
