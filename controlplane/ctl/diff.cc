// ctl diff: what apply would change, decided by the control plane (a dry run).
#include <fmt/format.h>

#include <ostream>

#include "controlplane/ctl/client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/manifest_input.h"
#include "controlplane/ctl/object_words.h"
#include "controlplane/ctl/report.h"
#include "controlplane/ctl/unified_diff.h"

namespace sluice::ctl {
namespace {

// diff(1)'s convention: 1 says "different", so every failure is 2.
constexpr Exit kDifferent = Exit::kFailed;
constexpr Exit kTrouble = Exit::kUsage;

// Without what the control plane writes: it differs always and means nothing here.
std::string ComparableYaml(const model::Resource& resource) {
  std::unique_ptr<google::protobuf::Message> message(resource.message().New());
  message->CopyFrom(resource.message());
  v1::ObjectMeta& meta = model::MutableMetaOf(*message);
  meta.clear_uid();
  meta.clear_generation();
  meta.clear_resource_version();
  meta.clear_creation_timestamp();
  if (const auto* status = message->GetDescriptor()->FindFieldByName("status")) {
    message->GetReflection()->ClearField(message.get(), status);
  }
  std::string yaml = manifest::ToYaml(*message);
  if (!yaml.ends_with('\n')) yaml += '\n';
  return yaml;
}

Exit RunDiff(const Invocation& invocation) {
  const auto documents = ReadManifestInput(invocation);
  if (!documents) return documents.error();
  Client client(invocation.server, invocation.request_timeout);
  const auto applied = client.Apply(ApplyRequestOf(*documents, true));
  if (!applied) {
    ReportCall(invocation, applied.error(), *documents);
    return kTrouble;
  }
  bool different = false;
  for (const auto& result : applied->results()) {
    if (result.outcome() == v1::ApplyResponse::UNCHANGED) continue;
    const auto merged = model::Resource::FromAny(result.resource());
    if (!merged) {
      ReportCall(invocation, CallError{.error = merged.error()});
      return kTrouble;
    }
    std::string live_yaml;
    const auto live = client.Get(result.object());
    if (live) {
      live_yaml = ComparableYaml(*live);
    } else if (live.error().error.code != ErrorCode::kNotFound) {
      ReportCall(invocation, live.error());
      return kTrouble;
    }
    const std::string merged_yaml = ComparableYaml(*merged);
    const std::string name = TextOf(result.object());
    const std::string text = UnifiedDiff({.before = live_yaml,
                                          .after = merged_yaml,
                                          .before_name = live ? "live/" + name : "/dev/null",
                                          .after_name = "applied/" + name});
    different = different || !text.empty();
    invocation.out << text;
  }
  return different ? kDifferent : Exit::kOk;
}

constexpr Option kOptions[] = {kFilenameOption};

}  // namespace

const Command kDiffCommand = {
    .name = "diff",
    .operands = "[PATH...]",
    .summary = "Shows what apply would change",
    .details =
        "Exit status: 0 nothing would change, 1 something would, 2 it could not be found out.",
    .options = kOptions,
    .offers = Offers::kFiles,
    .run = RunDiff,
};

}  // namespace sluice::ctl
