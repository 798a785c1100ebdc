// ctl describe: one object with everything that has to do with it.
#include <fmt/format.h>

#include <chrono>
#include <ostream>

#include "controlplane/ctl/client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/describe_text.h"
#include "controlplane/ctl/object_words.h"
#include "controlplane/ctl/report.h"

namespace sluice::ctl {
namespace {

// Everything of the object's namespace: who refers to it, and whether what it refers to exists.
Answer<std::vector<model::Resource>> Neighbours(Client& client, const std::string& ns) {
  std::vector<model::Resource> all;
  for (const model::Kind& kind : model::Kinds()) {
    if (kind.read_only) continue;
    auto listing = client.List(kind, ns, "");
    if (!listing) return tl::unexpected(std::move(listing.error()));
    all.insert(all.end(), listing->resources.begin(), listing->resources.end());
  }
  return all;
}

// The data planes that are to run the object and how far they are: the first message says it all.
Answer<v1::RolloutResponse> Nodes(Client& client, const v1::ObjectRef& object,
                                  Client::Deadline deadline) {
  const auto info = client.ServerInfo();
  if (!info) return tl::unexpected(info.error());
  v1::RolloutRequest request;
  request.set_generation(info->generation());
  *request.add_objects() = object;
  v1::RolloutResponse first;
  const auto asked = client.Rollout(request, deadline, [&](const v1::RolloutResponse& state) {
    first = state;
    return false;
  });
  if (!asked) return tl::unexpected(asked.error());
  return first;
}

Exit RunDescribe(const Invocation& invocation) {
  const auto words = ParseObjectNames(invocation.arguments.operands());
  if (!words) return ReportUsage(invocation, words.error());
  Client client(invocation.server, invocation.request_timeout);
  Exit worst = Exit::kOk;
  bool first = true;
  for (const ObjectWord& word : *words) {
    const auto ref = RefTo(word, invocation.ns);
    const auto resource = client.Get(ref);
    if (!resource) {
      worst = ReportCall(invocation, resource.error());
      if (resource.error().error.code != ErrorCode::kNotFound) return worst;
      continue;
    }
    Description description{.resource = *resource, .neighbours = {}, .nodes = {}, .now = {}};
    description.now = std::chrono::system_clock::now();
    if (!word.kind->read_only) {
      auto neighbours = Neighbours(client, resource->key().ns);
      if (!neighbours) return ReportCall(invocation, neighbours.error());
      description.neighbours = std::move(*neighbours);
      auto nodes = Nodes(client, ref,
                         description.now + std::chrono::duration_cast<std::chrono::microseconds>(
                                               invocation.request_timeout));
      if (!nodes) return ReportCall(invocation, nodes.error());
      description.nodes = std::move(*nodes);
    }
    if (!first) invocation.out << "\n\n";
    first = false;
    invocation.out << DescriptionText(description);
  }
  return worst;
}

}  // namespace

const Command kDescribeCommand = {
    .name = "describe",
    .operands = "KIND NAME... | KIND/NAME...",
    .summary = "Shows an object with its conditions and all that has to do with it",
    .details = "For people; `ctl get -o yaml` is for programs.",
    .offers = Offers::kObjects,
    .run = RunDescribe,
};

}  // namespace sluice::ctl
