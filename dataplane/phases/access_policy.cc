#include "dataplane/phases/access_policy.h"

#include <utility>

#include "dataplane/config/runtime_config.h"
#include "dataplane/tables/source_table.h"

namespace sluice::dataplane {

class AccessPolicy {
 public:
  explicit AccessPolicy(const AccessPolicyConfig& config)
      : name_(config.name), shadow_(config.shadow), default_allow_(config.default_allow) {
    std::vector<SourceTable::Source> sources;
    for (const AccessRule& rule : config.rules) {
      const auto position = static_cast<std::uint32_t>(allows_.size());
      allows_.push_back(rule.allow);
      for (const Cidr& block : rule.sources) sources.push_back({block, position});
    }
    sources_ = SourceTable::Build(sources);
  }

  bool Allows(const SocketAddress& client) const {
    const std::uint32_t rule = sources_.FirstMatch(client);
    return rule == SourceTable::kNone ? default_allow_ : allows_[rule];
  }
  std::string_view name() const { return name_; }
  bool shadow() const { return shadow_; }

 private:
  const std::string name_;
  const bool shadow_;
  const bool default_allow_;
  std::vector<bool> allows_;  // By rule.
  SourceTable sources_;
};

namespace {

class AccessPolicyHandler final : public PhaseHandler {
 public:
  explicit AccessPolicyHandler(std::shared_ptr<const AccessPolicy> policy)
      : policy_(std::move(policy)) {}

  Verdict Run(SessionState& session, const FirstBytes&) const override {
    if (policy_->Allows(session.client)) return Verdict::NextHandler();
    ListenerCounters& counters = session.listener->shared->counters[session.worker];
    if (policy_->shadow()) {
      counters.policy_shadow_denied.Add();
      // The first that would have denied is the one an enforced list would have stopped at.
      if (session.access_policy.empty()) session.access_policy = policy_->name();
      return Verdict::NextHandler();
    }
    counters.policy_denied.Add();
    session.access_policy = policy_->name();
    return Verdict::Close(CloseReason::kAccessDenied);
  }

 private:
  const std::shared_ptr<const AccessPolicy> policy_;
};

}  // namespace

std::shared_ptr<const AccessPolicy> BuildAccessPolicy(const AccessPolicyConfig& config) {
  return std::make_shared<const AccessPolicy>(config);
}

std::unique_ptr<const PhaseHandler> MakeAccessPolicy(std::shared_ptr<const AccessPolicy> policy) {
  return std::make_unique<AccessPolicyHandler>(std::move(policy));
}

}  // namespace sluice::dataplane
