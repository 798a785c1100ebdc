#include "common/model/access_policy.h"

#include "common/base/limits.h"
#include "common/model/field_check.h"
#include "sluice/v1/access_policy.pb.h"

namespace sluice::model {
namespace {

void CheckAction(const std::string& field, v1::AccessPolicySpec::Action action, FieldCheck& check) {
  if (action == v1::AccessPolicySpec::ACTION_UNSPECIFIED) {
    check.Refuse(field, "is required: ALLOW or DENY");
  } else if (!v1::AccessPolicySpec::Action_IsValid(action)) {
    check.UnknownEnum(field, action);
  }
}

}  // namespace

void ValidateAccessPolicy(const google::protobuf::Message& message, Violations& violations) {
  const auto& spec = dynamic_cast<const v1::AccessPolicy&>(message).spec();
  FieldCheck check(violations);
  if (!v1::AccessPolicySpec::Mode_IsValid(spec.mode())) check.UnknownEnum("spec.mode", spec.mode());
  CheckAction("spec.defaultAction", spec.default_action(), check);
  check.Count("spec.rules", static_cast<std::size_t>(spec.rules_size()), 0,
              limits::kRulesPerPolicy);
  for (std::size_t i = 0; i < static_cast<std::size_t>(spec.rules_size()) && !check.full(); ++i) {
    const auto& rule = spec.rules(static_cast<int>(i));
    const std::string field = Item("spec.rules", i);
    CheckAction(field + ".action", rule.action(), check);
    check.Sources(field + ".sources", rule.sources(), limits::kSourcesPerRule);
  }
}

std::vector<Reference> AccessPolicyReferences(const google::protobuf::Message&) { return {}; }

}  // namespace sluice::model
