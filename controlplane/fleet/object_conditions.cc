#include "controlplane/fleet/object_conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "common/base/text_format.h"

namespace sluice::controlplane {
namespace {

// As many nodes, violations and references as a message names.
constexpr std::size_t kNamed = 5;

v1::Condition MakeCondition(const char* type, v1::Condition::State status, std::string reason,
                            std::string message) {
  v1::Condition condition;
  condition.set_type(type);
  condition.set_status(status);
  condition.set_reason(std::move(reason));
  condition.set_message(std::move(message));
  return condition;
}

std::string Listed(const std::vector<std::string>& items, const char* separator) {
  std::string text;
  for (std::size_t i = 0; i < std::min(items.size(), kNamed); ++i) {
    if (i > 0) text += separator;
    text += items[i];
  }
  if (items.size() > kNamed) text += fmt::format(" and {} more", items.size() - kNamed);
  return text;
}

v1::Condition Accepted(const ObjectFacts& facts) {
  if (!facts.left_out) return MakeCondition("Accepted", v1::Condition::TRUE, "Accepted", "");
  std::vector<std::string> messages;
  for (const auto& violation : facts.left_out->violations) messages.push_back(violation.message);
  return MakeCondition("Accepted", v1::Condition::FALSE, "Invalid",
                       Listed(messages, "; ") + (facts.left_out->earlier_form_served
                                                     ? " (data planes keep its last valid form)"
                                                     : " (not sent to any data plane)"));
}

v1::Condition ResolvedRefs(const ObjectFacts& facts) {
  if (facts.left_out) {
    return MakeCondition("ResolvedRefs", v1::Condition::UNKNOWN, "NotAccepted", "");
  }
  if (facts.missing.empty()) {
    return MakeCondition("ResolvedRefs", v1::Condition::TRUE, "ResolvedRefs", "");
  }
  return MakeCondition("ResolvedRefs", v1::Condition::FALSE, "RefNotFound",
                       Listed(facts.missing, "; "));
}

struct Tally {
  std::size_t total = 0;
  std::size_t in_force = 0;
  std::vector<std::string> lagging;
  std::vector<std::string> refusing;
  std::string first_reason;
};

std::string Lag(const NodeState& node) {
  if (!node.connected()) return fmt::format("{} (not connected)", node.identity.id);
  if (!node.reported) return fmt::format("{} (no report yet)", node.identity.id);
  return fmt::format("{} (generation {} of {})", node.identity.id, node.report.active_generation(),
                     node.wanted->generation);
}

void CountNode(const ObjectFacts& facts, const NodeState& node, Tally& tally) {
  const model::ResourceKey& key = facts.resource->key();
  const auto type = StreamedTypeOf(*key.kind);
  const std::string name = key.DiscoveryName();
  const SnapshotEntry* entry = type ? node.wanted->Find(*type, name) : nullptr;
  if (entry == nullptr) return;
  ++tally.total;
  const v1::ResourceProblem* problem = ProblemWith(node, {std::string(key.kind->name), name});
  if (problem != nullptr) {
    if (tally.refusing.empty()) tally.first_reason = problem->reason();
    const std::string_view separator = problem->message().empty() ? "" : ": ";
    tally.refusing.push_back(fmt::format("{} ({}{}{})", node.identity.id, problem->reason(),
                                         separator, problem->message()));
    return;
  }
  // Problems that a report had no room for may be about this object.
  const bool complete =
      node.report.problems_total() <= static_cast<std::uint32_t>(node.report.problems_size());
  if (facts.distributed && complete && HasDealtWith(node, entry->since)) {
    ++tally.in_force;
  } else {
    tally.lagging.push_back(Lag(node));
  }
}

v1::Condition Programmed(const Tally& tally) {
  if (!tally.refusing.empty()) {
    return MakeCondition("Programmed", v1::Condition::FALSE, tally.first_reason,
                         "refused by " + Listed(tally.refusing, "; "));
  }
  if (tally.total == 0) {
    return MakeCondition("Programmed", v1::Condition::FALSE, "NoDataPlane",
                         "no connected data plane is given this object");
  }
  if (tally.in_force == 0) {
    return MakeCondition("Programmed", v1::Condition::FALSE, "Pending",
                         "no data plane runs it yet: " + Listed(tally.lagging, ", "));
  }
  return MakeCondition(
      "Programmed", v1::Condition::TRUE, "Programmed",
      fmt::format("in force on {} of {}", tally.in_force, Counted(tally.total, "data plane")));
}

v1::Condition Synced(const Tally& tally) {
  std::string message = fmt::format("{}/{}", tally.in_force, Counted(tally.total, "data plane"));
  if (!tally.lagging.empty()) message += "; behind: " + Listed(tally.lagging, ", ");
  if (!tally.refusing.empty()) message += "; refusing: " + Listed(tally.refusing, ", ");
  if (tally.total == 0) {
    return MakeCondition("Synced", v1::Condition::UNKNOWN, "NoDataPlane", std::move(message));
  }
  if (tally.in_force == tally.total) {
    return MakeCondition("Synced", v1::Condition::TRUE, "Synced", std::move(message));
  }
  return MakeCondition("Synced", v1::Condition::FALSE,
                       tally.refusing.empty() ? "Pending" : "Refused", std::move(message));
}

}  // namespace

std::vector<v1::Condition> FoldConditions(const ObjectFacts& facts,
                                          const std::vector<const NodeState*>& nodes) {
  Tally tally;
  // Of an object that is left out the nodes run another form or none: it is in force nowhere.
  if (!facts.left_out) {
    for (const NodeState* node : nodes) CountNode(facts, *node, tally);
  }
  std::vector<v1::Condition> conditions{Accepted(facts), ResolvedRefs(facts)};
  if (facts.left_out) {
    conditions.push_back(MakeCondition("Programmed", v1::Condition::FALSE, "NotAccepted", ""));
    conditions.push_back(MakeCondition("Synced", v1::Condition::FALSE, "NotAccepted", ""));
  } else {
    conditions.push_back(Programmed(tally));
    conditions.push_back(Synced(tally));
  }
  for (v1::Condition& condition : conditions) {
    condition.set_observed_generation(facts.resource->meta().generation());
  }
  return conditions;
}

}  // namespace sluice::controlplane
