// ctl __complete: what the completion scripts call at each press of the key. Prints a word a line,
// and `:files` last when file names belong there. Never an error: a shell prompt is no place for
// one.
#include <algorithm>
#include <chrono>
#include <ostream>

#include "controlplane/ctl/client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/completion_words.h"
#include "controlplane/ctl/endpoint_edit.h"
#include "controlplane/ctl/object_words.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::ctl {
namespace {

// A prompt that hangs is worse than one that offers nothing.
constexpr std::chrono::milliseconds kServerPatience{500};

std::vector<std::string> Names(Client& client, const std::string& ns, std::string_view kind_word) {
  const model::Kind* kind = model::FindKind(kind_word);
  if (kind == nullptr) return {};
  const auto listing = client.List(*kind, NamespaceOf(*kind, ns), "");
  std::vector<std::string> names;
  if (!listing) return names;
  for (const auto& resource : listing->resources) names.push_back(resource.key().name);
  return names;
}

std::vector<std::string> Addresses(Client& client, const std::string& ns,
                                   std::string_view upstream_name) {
  std::vector<std::string> addresses;
  const auto add = [&](const auto& endpoints) {
    for (const auto& endpoint : endpoints) addresses.push_back(endpoint.address());
  };
  const auto upstream =
      client.Get(RefTo(*model::FindKind("Upstream"), ns, std::string(upstream_name)));
  if (!upstream) return addresses;
  add(upstream->As<v1::Upstream>().spec().endpoints());
  const auto slices = client.List(*model::FindKind("EndpointSlice"), ns, "");
  if (!slices) return addresses;
  for (const auto& slice : slices->resources) {
    const auto& spec = slice.As<v1::EndpointSlice>().spec();
    if (spec.upstream() == upstream_name) add(spec.endpoints());
  }
  return addresses;
}

Exit RunComplete(const Invocation& invocation) {
  Client client(invocation.server,
                std::min<std::chrono::nanoseconds>(invocation.request_timeout, kServerPatience));
  const CompletionSource source{
      .commands = invocation.commands,
      .names = [&](std::string_view kind) { return Names(client, invocation.ns, kind); },
      .addresses =
          [&](std::string_view upstream) { return Addresses(client, invocation.ns, upstream); }};
  const Completion completion = Complete(source, invocation.arguments.operands());
  for (const std::string& word : completion.words) invocation.out << word << "\n";
  if (completion.files) invocation.out << ":files\n";
  return Exit::kOk;
}

}  // namespace

const Command kCompleteCommand = {
    .name = "__complete",
    .operands = "[WORD...]",
    .summary = "Words that can follow, for the completion scripts",
    .details = {},
    .hidden = true,
    .run = RunComplete,
};

}  // namespace sluice::ctl
