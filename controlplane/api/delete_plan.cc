#include "controlplane/api/delete_plan.h"

#include <fmt/format.h>

#include <set>
#include <string>

#include "common/base/limits.h"
#include "controlplane/api/object_ref.h"
#include "controlplane/api/precondition.h"

namespace sluice::controlplane {
namespace {

Answer<std::vector<model::ResourceKey>> KeysToDelete(const v1::DeleteRequest& request) {
  if (request.objects().empty())
    return Refuse(ErrorCode::kInvalidArgument, "`objects` must not be empty");
  if (static_cast<std::size_t>(request.objects_size()) > limits::kApplyResources) {
    return Refuse(ErrorCode::kResourceExhausted,
                  fmt::format("`objects` has at most {} in a batch, got {}",
                              limits::kApplyResources, request.objects_size()));
  }
  if (request.resource_versions_size() > request.objects_size()) {
    return Refuse(
        ErrorCode::kInvalidArgument,
        fmt::format("`resourceVersions` has at most one for each of the {} objects, got {}",
                    request.objects_size(), request.resource_versions_size()));
  }
  std::vector<model::ResourceKey> keys;
  std::set<model::ResourceKey> seen;
  for (const v1::ObjectRef& object : request.objects()) {
    auto key = KeyOf(object);
    if (!key) return tl::unexpected(key.error());
    if (key->kind->read_only) {
      return Refuse(ErrorCode::kInvalidArgument,
                    fmt::format("{} cannot be deleted: a {} is made by the control plane",
                                key->Text(), key->kind->name));
    }
    if (!seen.insert(*key).second) {
      return Refuse(ErrorCode::kInvalidArgument, fmt::format("{} is named twice", key->Text()));
    }
    keys.push_back(std::move(*key));
  }
  return keys;
}

v1::Violation ViolationOf(int index, const model::ResourceKey& object, const std::string& field,
                          std::string message) {
  v1::Violation violation;
  violation.set_resource(index);
  *violation.mutable_object() = RefOf(object);
  violation.set_field(field);
  violation.set_message(std::move(message));
  return violation;
}

v1::Violation ReferenceThatStays(int index, const model::ResourceKey& target,
                                 const model::Resource& referrer) {
  std::string field;
  for (const model::Reference& reference : referrer.kind().references(referrer.message())) {
    if (reference.kind == target.kind && reference.name == target.name) {
      field = reference.field;
      break;
    }
  }
  return ViolationOf(
      index, target, "",
      fmt::format("cannot be deleted, `{}` of {} refers to it", field, referrer.key().Text()));
}

}  // namespace

Answer<std::vector<model::Change>> PlanDelete(const CatalogState& state,
                                              const v1::DeleteRequest& request) {
  auto keys = KeysToDelete(request);
  if (!keys) return tl::unexpected(keys.error());

  std::string missing;
  std::size_t missing_count = 0;
  for (const model::ResourceKey& key : *keys) {
    if (state.resources.Find(key) != nullptr) continue;
    if (++missing_count <= 10) missing += (missing.empty() ? "" : ", ") + key.Text();
  }
  if (missing_count > 10) missing += fmt::format(" and {} more", missing_count - 10);
  if (missing_count > 0) return Refuse(ErrorCode::kNotFound, fmt::format("{} not found", missing));

  std::vector<model::Change> changes;
  std::vector<v1::Violation> violations;
  for (int i = 0; i < request.objects_size(); ++i) {
    const model::ResourceKey& key = (*keys)[static_cast<std::size_t>(i)];
    const std::string wanted =
        i < request.resource_versions_size() ? request.resource_versions(i) : "";
    auto problem = PreconditionProblem(state.resources.Find(key), wanted);
    if (!problem.empty()) {
      violations.push_back(ViolationOf(i, key, "metadata.resourceVersion", std::move(problem)));
    }
    changes.push_back({key, nullptr});
  }
  if (!violations.empty()) return Refuse(ErrorCode::kConflict, std::move(violations));

  const model::ResourceSet remaining = state.resources.With(changes);
  for (std::size_t i = 0; i < keys->size() && violations.size() < limits::kViolationsCounted; ++i) {
    for (const model::Resource* referrer : remaining.Referrers((*keys)[i])) {
      violations.push_back(ReferenceThatStays(static_cast<int>(i), (*keys)[i], *referrer));
    }
  }
  if (!violations.empty()) return Refuse(ErrorCode::kFailedPrecondition, std::move(violations));
  return changes;
}

}  // namespace sluice::controlplane
