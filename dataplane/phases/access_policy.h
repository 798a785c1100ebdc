// Access phase: asks one access policy; the first rule that names the client decides, else the
// default action. A denied session ends with CloseReason::kAccessDenied; a policy in shadow mode
// counts it, leaves its name in session.access_policy and lets it through. Immutable; thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/base/address.h"
#include "dataplane/config/phase_handler.h"

namespace sluice::dataplane {

struct AccessRule {
  bool allow = false;
  std::vector<Cidr> sources;
};

struct AccessPolicyConfig {
  std::string name;  // $access_policy
  bool shadow = false;
  bool default_allow = false;
  std::vector<AccessRule> rules;
};

// The compiled form, which all listeners that name the policy share.
class AccessPolicy;
std::shared_ptr<const AccessPolicy> BuildAccessPolicy(const AccessPolicyConfig& config);

// One handler a policy, in the order the listener names them.
std::unique_ptr<const PhaseHandler> MakeAccessPolicy(std::shared_ptr<const AccessPolicy> policy);

}  // namespace sluice::dataplane
