#include "common/model/upstream.h"

#include <fmt/format.h>

#include <map>

#include "common/base/address.h"
#include "common/base/limits.h"

namespace sluice::model {
namespace {

using namespace std::chrono_literals;

void CheckBalance(const v1::UpstreamSpec& spec, FieldCheck& check) {
  const v1::Balance& balance = spec.balance();
  if (!v1::Balance::Policy_IsValid(balance.policy())) {
    check.UnknownEnum("spec.balance.policy", balance.policy());
    return;
  }
  const bool hashes =
      balance.policy() == v1::Balance::HASH || balance.policy() == v1::Balance::RING_HASH;
  if (hashes) {
    check.Template("spec.balance.hash.key", balance.hash().key(), TemplateUse::kKey);
  } else if (balance.has_hash()) {
    check.Refuse("spec.balance.hash",
                 fmt::format("is for policies HASH and RING_HASH only, got policy '{}'",
                             v1::Balance::Policy_Name(balance.policy())));
  }
  if (AllowsBackup(balance.policy())) return;
  for (int i = 0; i < spec.endpoints_size() && !check.full(); ++i) {
    if (!spec.endpoints(i).backup()) continue;
    check.Refuse(Item("spec.endpoints", static_cast<std::size_t>(i)) + ".backup",
                 fmt::format("must not be true with balance policy {}",
                             v1::Balance::Policy_Name(balance.policy())));
  }
}

}  // namespace

bool AllowsBackup(v1::Balance::Policy policy) {
  return policy == v1::Balance::ROUND_ROBIN || policy == v1::Balance::LEAST_CONNECTIONS;
}

void CheckEndpoints(const google::protobuf::RepeatedPtrField<v1::Endpoint>& endpoints,
                    const std::string& field, std::size_t most, FieldCheck& check) {
  check.Count(field, static_cast<std::size_t>(endpoints.size()), 0, most);
  std::map<SocketAddress, std::size_t> first_at;
  std::size_t index = 0;
  for (const v1::Endpoint& endpoint : endpoints) {
    if (check.full()) return;
    const std::string at = Item(field, index);
    if (endpoint.address().empty()) {
      check.RefuseMissing(at + ".address");
    } else if (const auto address = SocketAddress::Parse(endpoint.address()); !address) {
      check.Refuse(at + ".address", address.error().message);
    } else if (const auto [first, fresh] = first_at.emplace(*address, index); !fresh) {
      check.Refuse(at + ".address",
                   fmt::format("must be once in an upstream, got '{}' again after `{}`",
                               endpoint.address(), Item(field, first->second)));
    }
    if (endpoint.has_weight()) check.Number(at + ".weight", endpoint.weight(), 1, 65535);
    if (endpoint.has_max_connections()) {
      check.Number(at + ".maxConnections", endpoint.max_connections(), 1, 10'000'000);
    }
    ++index;
  }
}

std::vector<std::string_view> AddressTexts(
    const google::protobuf::RepeatedPtrField<v1::Endpoint>& endpoints) {
  std::vector<std::string_view> texts;
  texts.reserve(static_cast<std::size_t>(endpoints.size()));
  for (const v1::Endpoint& endpoint : endpoints) texts.push_back(endpoint.address());
  return texts;
}

void ValidateUpstream(const google::protobuf::Message& message, Violations& violations) {
  const auto& spec = dynamic_cast<const v1::Upstream&>(message).spec();
  FieldCheck check(violations);
  CheckBalance(spec, check);
  CheckEndpoints(spec.endpoints(), "spec.endpoints", limits::kInlineEndpoints, check);
  const v1::PassiveHealth& passive = spec.passive_health();
  if (passive.has_max_fails()) {
    check.Number("spec.passiveHealth.maxFails", passive.max_fails(), 0, 1000);
  }
  if (passive.has_fail_timeout()) {
    check.Duration("spec.passiveHealth.failTimeout", passive.fail_timeout(), {1s, 1h});
  }
}

std::vector<Reference> UpstreamReferences(const google::protobuf::Message&) { return {}; }

std::vector<TemplateField> UpstreamTemplates(const google::protobuf::Message& message) {
  const std::string& key = dynamic_cast<const v1::Upstream&>(message).spec().balance().hash().key();
  if (key.empty()) return {};
  return {{key, "spec.balance.hash.key", TemplateUse::kKey}};
}

std::vector<std::string_view> UpstreamAddresses(const google::protobuf::Message& message) {
  return AddressTexts(dynamic_cast<const v1::Upstream&>(message).spec().endpoints());
}

}  // namespace sluice::model
