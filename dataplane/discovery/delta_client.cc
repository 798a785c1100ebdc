#include "dataplane/discovery/delta_client.h"

#include <fmt/format.h>

#include <set>
#include <string_view>
#include <utility>

#include "common/base/bounded_text.h"
#include "common/base/limits.h"
#include "common/base/version.h"
#include "common/model/kind.h"
#include "common/model/validate.h"
#include "dataplane/compile/problem.h"
#include "sluice/v1/refusal.pb.h"

namespace sluice::dataplane {
namespace {

constexpr int kInvalidArgument = 3;  // google.rpc.Code
constexpr std::size_t kWireNameBytes = 2 * limits::kNameLength + 1;
constexpr std::size_t kVersionBytes = 255;

bool Subscribed(std::string_view type_url) {
  if (type_url == model::kGenerationTypeUrl) return true;
  const model::Kind* kind = model::FindKindByTypeUrl(type_url);
  return kind != nullptr && !kind->read_only;
}

// A refusal of something that may not even be a resource: all text is the server's.
v1::ResourceProblem Refused(std::string_view type_url, std::string_view name,
                            std::string_view version, const ProblemText& text) {
  v1::ResourceProblem problem;
  const model::Kind* kind = model::FindKindByTypeUrl(type_url);
  problem.set_kind(std::string(kind != nullptr ? kind->name : "Generation"));
  problem.set_name(BoundedText(name, kWireNameBytes));
  problem.set_version(BoundedText(version, kVersionBytes));
  problem.set_state(v1::ResourceProblem::REFUSED);
  problem.set_reason(std::string(text.reason));
  problem.set_field(BoundedText(text.field, limits::kRefusalTextBytes));
  problem.set_message(BoundedText(text.message, limits::kRefusalTextBytes));
  return problem;
}

void SetNode(const NodeIdentity& identity, envoy::config::core::v3::Node& node) {
  node.set_id(identity.id);
  node.set_cluster("sluice");
  node.set_user_agent_name("sluice-dataplane");
  node.set_user_agent_version(std::string(kVersion));
  node.add_client_features("sluice.generation");
  auto& labels = *(*node.mutable_metadata()->mutable_fields())["labels"]
                      .mutable_struct_value()
                      ->mutable_fields();
  for (const auto& [key, value] : identity.labels) labels[key].set_string_value(value);
}

void SetRefusal(const std::vector<v1::ResourceProblem>& refused, DeltaClient::Request& reply) {
  v1::ResourceErrors errors;
  for (const v1::ResourceProblem& problem : refused) {
    if (errors.errors_size() == static_cast<int>(limits::kRefusalDetails)) break;
    *errors.add_errors() = problem;
  }
  auto& status = *reply.mutable_error_detail();
  status.set_code(kInvalidArgument);
  const v1::ResourceProblem& first = refused.front();
  std::string text = fmt::format("{} {}: {}", first.kind(), first.name(), first.message());
  if (refused.size() > 1) text += fmt::format(" (and {} more)", refused.size() - 1);
  status.set_message(BoundedText(text, limits::kRefusalTextBytes));
  status.add_details()->PackFrom(errors);
}

}  // namespace

std::vector<DeltaClient::Request> DeltaClient::StartStream(bool announce_held) {
  atomic_ = false;
  staging_.OnNewStream(announce_held);
  std::vector<Request> requests;
  const auto subscribe = [&](std::string_view type_url) {
    Request& request = requests.emplace_back();
    request.set_type_url(std::string(type_url));
    request.add_resource_names_subscribe("*");
    if (!announce_held) return;
    for (auto& [name, version] : staging_.AcceptedVersions(type_url)) {
      (*request.mutable_initial_resource_versions())[name] = version;
    }
  };
  for (const model::Kind& kind : model::Kinds()) {
    if (!kind.read_only) subscribe(kind.type_url);
  }
  subscribe(model::kGenerationTypeUrl);
  SetNode(node_, *requests.front().mutable_node());
  return requests;
}

DeltaClient::Step DeltaClient::OnResponse(const Response& response) {
  Step step;
  step.reply.set_type_url(response.type_url());
  step.reply.set_response_nonce(response.nonce());
  for (const auto& error : response.resource_errors()) {
    step.server_errors.push_back(BoundedText(
        fmt::format("{}: {}", error.resource_name().name(), error.error_detail().message()),
        limits::kRefusalTextBytes));
  }
  // What was not asked for is acknowledged and ignored.
  if (!Subscribed(response.type_url())) return step;
  if (response.type_url() == model::kGenerationTypeUrl) {
    TakeGeneration(response, step);
  } else {
    TakeResources(response, step);
  }
  step.swap = staging_.TakeSwap(atomic_);
  if (!step.refused.empty()) SetRefusal(step.refused, step.reply);
  return step;
}

void DeltaClient::TakeResources(const Response& response, Step& step) {
  std::set<std::string_view> seen;
  std::set<std::string_view> twice;
  for (const auto& resource : response.resources()) {
    if (!seen.insert(resource.name()).second) twice.insert(resource.name());
  }
  for (const std::string& removed : response.removed_resources()) {
    if (!seen.insert(removed).second) twice.insert(removed);
  }
  for (const std::string_view name : twice) {
    step.refused.push_back(Refused(response.type_url(), name, "",
                                   {"DuplicateName", "", "named more than once in one response"}));
  }
  for (const auto& resource : response.resources()) {
    if (!twice.contains(resource.name())) TakeResource(response.type_url(), resource, step);
  }
  for (const std::string& removed : response.removed_resources()) {
    if (!twice.contains(removed)) staging_.Remove({response.type_url(), removed});
  }
}

void DeltaClient::TakeResource(const std::string& type_url,
                               const envoy::service::discovery::v3::Resource& wire, Step& step) {
  const Staging::Name name{type_url, wire.name()};
  const auto refuse = [&](std::string_view reason, const std::string& message) {
    step.refused.push_back(Refused(type_url, wire.name(), wire.version(), {reason, "", message}));
  };
  if (wire.name().size() > kWireNameBytes || wire.version().size() > kVersionBytes) {
    return refuse("Invalid", fmt::format("name and version must have at most {} and {} bytes",
                                         kWireNameBytes, kVersionBytes));
  }
  if (staging_.Full(name)) {
    return refuse("TooManyResources",
                  fmt::format("a node takes at most {} resources", limits::kStoredObjects));
  }
  const auto refuse_and_remember = [&](std::string_view reason, const std::string& message) {
    refuse(reason, message);
    staging_.Refuse(name, wire.version(), {step.refused.back()});
  };
  if (!wire.has_resource()) {
    // A heartbeat: only says that the version is still the one.
    const std::string* held = staging_.AcceptedVersion(name);
    if (held != nullptr && *held == wire.version()) return;
    return refuse_and_remember("Unparsable", "comes without its content");
  }
  if (wire.resource().type_url() != type_url) {
    return refuse_and_remember("WrongType",
                               fmt::format("must be of type '{}', got '{}'", type_url,
                                           BoundedText(wire.resource().type_url(), kVersionBytes)));
  }
  Result<model::Resource> resource = model::Resource::FromAny(wire.resource());
  if (!resource) return refuse_and_remember("Unparsable", resource.error().message);
  if (const model::Violations& violations = resource->violations(); !violations.empty()) {
    Staging::Problems problems;
    for (const model::Violation& violation : violations) {
      if (problems.size() == limits::kRefusalDetails) break;
      problems.push_back(Refused(type_url, wire.name(), wire.version(),
                                 {"Invalid", violation.field, violation.message}));
    }
    step.refused.insert(step.refused.end(), problems.begin(), problems.end());
    staging_.Refuse(name, wire.version(), std::move(problems));
    return;
  }
  if (resource->key().DiscoveryName() != wire.name()) {
    return refuse_and_remember("WrongName",
                               fmt::format("names itself '{}'", resource->key().DiscoveryName()));
  }
  staging_.Accept(name,
                  {std::make_shared<const model::Resource>(*std::move(resource)), wire.version()});
}

void DeltaClient::TakeGeneration(const Response& response, Step& step) {
  const auto refuse = [&](const auto& wire, std::string_view message) {
    step.refused.push_back(
        Refused(response.type_url(), wire.name(), wire.version(), {"Invalid", "", message}));
  };
  for (const std::string& removed : response.removed_resources()) {
    if (removed == model::kGenerationName) staging_.RemoveGeneration();
  }
  if (response.resources_size() == 0) return;
  atomic_ = true;
  const auto& wire = response.resources(0);
  v1::Generation generation;
  if (response.resources_size() > 1) {
    refuse(response.resources(1), "there is one Generation, named 'generation'");
  } else if (wire.name() != model::kGenerationName || wire.version().size() > kVersionBytes) {
    refuse(wire, "there is one Generation, named 'generation'");
  } else if (wire.resource().type_url() != response.type_url() ||
             !generation.ParseFromString(wire.resource().value())) {
    refuse(wire, "does not parse as a Generation");
  } else if (generation.number() < 0 || generation.digest().size() != 64) {
    refuse(wire,
           "`number` must not be negative and `digest` the 64 hexadecimal digits of a SHA-256");
  } else {
    generation.clear_counts();
    staging_.SetGeneration(generation, wire.version());
  }
}

}  // namespace sluice::dataplane
