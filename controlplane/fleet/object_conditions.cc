#include "controlplane/fleet/object_conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "common/base/text_format.h"

namespace sluice::controlplane {
namespace {

// As many nodes, violations and references as a message names.
constexpr std::size_t kNamed = ObjectTally::kNamed;

v1::Condition MakeCondition(const char* type, v1::Condition::State status, std::string reason,
                            std::string message) {
  v1::Condition condition;
  condition.set_type(type);
  condition.set_status(status);
  condition.set_reason(std::move(reason));
  condition.set_message(std::move(message));
  return condition;
}

// The first of `total` items.
std::string Listed(const std::vector<std::string>& items, std::size_t total,
                   const char* separator) {
  const std::size_t named = std::min(items.size(), kNamed);
  std::string text;
  for (std::size_t i = 0; i < named; ++i) {
    if (i > 0) text += separator;
    text += items[i];
  }
  if (total > named) text += fmt::format(" and {} more", total - named);
  return text;
}

v1::Condition Accepted(const ObjectFacts& facts) {
  if (!facts.left_out) return MakeCondition("Accepted", v1::Condition::TRUE, "Accepted", "");
  std::vector<std::string> messages;
  for (const auto& violation : facts.left_out->violations) messages.push_back(violation.message);
  return MakeCondition(
      "Accepted", v1::Condition::FALSE, "Invalid",
      Listed(messages, messages.size(), "; ") + (facts.left_out->earlier_form_served
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
                       Listed(facts.missing, facts.missing.size(), "; "));
}

std::string Lagging(const ObjectTally& tally) {
  std::vector<std::string> texts;
  for (const ObjectTally::Lagging& node : tally.some_lagging) {
    if (!node.connected) {
      texts.push_back(fmt::format("{} (not connected)", node.node_id));
    } else if (!node.reported) {
      texts.push_back(fmt::format("{} (no report yet)", node.node_id));
    } else {
      texts.push_back(fmt::format("{} (generation {} of {})", node.node_id, node.active_generation,
                                  node.wanted_generation));
    }
  }
  return Listed(texts, tally.lagging, ", ");
}

std::string Refusing(const ObjectTally& tally, const char* separator) {
  std::vector<std::string> texts;
  for (const auto& [node_id, problem] : tally.some_refusing) {
    const std::string_view colon = problem.message().empty() ? "" : ": ";
    texts.push_back(
        fmt::format("{} ({}{}{})", node_id, problem.reason(), colon, problem.message()));
  }
  return Listed(texts, tally.refusing, separator);
}

v1::Condition Programmed(const ObjectTally& tally) {
  if (tally.refusing > 0) {
    return MakeCondition("Programmed", v1::Condition::FALSE,
                         tally.some_refusing.front().problem.reason(),
                         "refused by " + Refusing(tally, "; "));
  }
  if (tally.total == 0) {
    return MakeCondition("Programmed", v1::Condition::FALSE, "NoDataPlane",
                         "no connected data plane is given this object");
  }
  if (tally.in_force == 0) {
    return MakeCondition("Programmed", v1::Condition::FALSE, "Pending",
                         "no data plane runs it yet: " + Lagging(tally));
  }
  return MakeCondition(
      "Programmed", v1::Condition::TRUE, "Programmed",
      fmt::format("in force on {} of {}", tally.in_force, Counted(tally.total, "data plane")));
}

v1::Condition Synced(const ObjectTally& tally) {
  std::string message = fmt::format("{}/{}", tally.in_force, Counted(tally.total, "data plane"));
  if (tally.lagging > 0) message += "; behind: " + Lagging(tally);
  if (tally.refusing > 0) message += "; refusing: " + Refusing(tally, ", ");
  if (tally.total == 0) {
    return MakeCondition("Synced", v1::Condition::UNKNOWN, "NoDataPlane", std::move(message));
  }
  if (tally.in_force == tally.total) {
    return MakeCondition("Synced", v1::Condition::TRUE, "Synced", std::move(message));
  }
  return MakeCondition("Synced", v1::Condition::FALSE, tally.refusing == 0 ? "Pending" : "Refused",
                       std::move(message));
}

}  // namespace

std::vector<v1::Condition> MakeConditions(const ObjectFacts& facts, ObjectTally tally) {
  const auto by_id = [](const auto& a, const auto& b) { return a.node_id < b.node_id; };
  std::sort(tally.some_lagging.begin(), tally.some_lagging.end(), by_id);
  std::sort(tally.some_refusing.begin(), tally.some_refusing.end(), by_id);
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
