#include "dataplane/compile/compile_access_policy.h"

#include <fmt/format.h>

#include <utility>

#include "dataplane/compile/problem.h"
#include "sluice/v1/access_policy.pb.h"

namespace sluice::dataplane {

tl::expected<std::shared_ptr<const AccessPolicy>, v1::ResourceProblem> CompileAccessPolicy(
    const VersionedResource& policy) {
  const model::Resource& resource = *policy.resource;
  const auto& spec = resource.As<v1::AccessPolicy>().spec();
  AccessPolicyConfig config;
  config.name = resource.key().name;
  config.shadow = spec.mode() == v1::AccessPolicySpec::SHADOW;
  config.default_allow = spec.default_action() == v1::AccessPolicySpec::ALLOW;
  for (int i = 0; i < spec.rules_size(); ++i) {
    AccessRule& rule = config.rules.emplace_back();
    rule.allow = spec.rules(i).action() == v1::AccessPolicySpec::ALLOW;
    for (int j = 0; j < spec.rules(i).sources_size(); ++j) {
      Result<Cidr> source = Cidr::Parse(spec.rules(i).sources(j));
      if (!source) {
        return tl::unexpected(MakeProblem(
            resource.key(), policy.version, v1::ResourceProblem::REFUSED,
            {"Invalid", fmt::format("spec.rules[{}].sources[{}]", i, j), source.error().message}));
      }
      rule.sources.push_back(*std::move(source));
    }
  }
  return BuildAccessPolicy(config);
}

}  // namespace sluice::dataplane
