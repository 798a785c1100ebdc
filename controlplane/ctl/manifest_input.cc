#include "controlplane/ctl/manifest_input.h"

#include <fmt/format.h>

#include "controlplane/ctl/report.h"

namespace sluice::ctl {
namespace {

// What was written decides; only an object that does not name a namespace takes the flag's.
void UseNamespace(const std::string& ns, std::vector<manifest::Document>& documents) {
  for (auto& document : documents) {
    if (document.fields.contains("metadata.namespace")) continue;
    std::unique_ptr<google::protobuf::Message> message(document.resource.message().New());
    message->CopyFrom(document.resource.message());
    model::MutableMetaOf(*message).set_namespace_(ns);
    document.resource = model::Resource::FromMessage(std::move(message));
  }
}

}  // namespace

tl::expected<std::vector<manifest::Document>, Exit> ReadManifestInput(
    const Invocation& invocation, const ManifestInputOptions& options) {
  std::vector<std::string> paths = invocation.arguments.All(kFilenameOption.flag);
  if (options.operands_are_paths) {
    const auto& operands = invocation.arguments.operands();
    paths.insert(paths.end(), operands.begin(), operands.end());
  }
  if (paths.empty()) {
    return tl::unexpected(
        ReportUsage(invocation, "name a manifest: a file, a directory, or - for standard input"));
  }
  auto parsed = manifest::ReadManifests(paths);
  if (!parsed.diagnostics.empty()) {
    return tl::unexpected(ReportDiagnostics(invocation, parsed.diagnostics));
  }
  if (invocation.ns != model::kDefaultNamespace) UseNamespace(invocation.ns, parsed.documents);
  if (!options.names_only) {
    const auto wrong = manifest::ValidateDocuments(parsed.documents, options.self_contained);
    if (!wrong.empty()) return tl::unexpected(ReportDiagnostics(invocation, wrong));
  }
  return std::move(parsed.documents);
}

v1::ApplyRequest ApplyRequestOf(const std::vector<manifest::Document>& documents, bool dry_run) {
  v1::ApplyRequest request;
  request.set_dry_run(dry_run);
  for (const auto& document : documents) *request.add_resources() = document.resource.ToAny();
  return request;
}

}  // namespace sluice::ctl
