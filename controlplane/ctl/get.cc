// ctl get: objects as a table, or for programs.
#include <fmt/format.h>

#include <chrono>
#include <ostream>

#include "controlplane/ctl/client.h"
#include "controlplane/ctl/columns.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/get_watch.h"
#include "controlplane/ctl/listing.h"
#include "controlplane/ctl/object_words.h"
#include "controlplane/ctl/report.h"
#include "controlplane/ctl/slice_counts.h"

namespace sluice::ctl {
namespace {

struct Found {
  std::vector<model::Resource> resources;
  bool as_list = true;  // JSON: a List even of one.
  Exit exit = Exit::kOk;
};

// Names that do not exist are reported and the others still shown.
Found Fetch(const Invocation& invocation, Client& client, const std::vector<ObjectWord>& words) {
  Found found;
  const std::string ns = invocation.arguments.Has("--all-namespaces") ? "" : invocation.ns;
  found.as_list = words.size() != 1 || words.front().name.empty();
  for (const ObjectWord& word : words) {
    if (word.name.empty()) {
      auto listing = client.List(*word.kind, NamespaceOf(*word.kind, ns),
                                 invocation.arguments.Text("--selector"));
      if (!listing) {
        found.exit = ReportCall(invocation, listing.error());
        return found;
      }
      found.resources.insert(found.resources.end(), listing->resources.begin(),
                             listing->resources.end());
      continue;
    }
    auto resource = client.Get(RefTo(word, ns));
    if (resource) {
      found.resources.push_back(std::move(*resource));
      continue;
    }
    found.exit = ReportCall(invocation, resource.error());
    if (resource.error().error.code != ErrorCode::kNotFound) return found;
  }
  return found;
}

Exit PrintTables(const Invocation& invocation, Client& client,
                 const std::vector<model::Resource>& resources, TableStyle style) {
  ColumnFacts facts{.now = std::chrono::system_clock::now(), .slice_endpoints = {}};
  for (const auto& resource : resources) {
    if (resource.kind().name != "Upstream") continue;
    auto counts = CountSliceEndpoints(client, style.with_namespace ? "" : invocation.ns);
    if (!counts) return ReportCall(invocation, counts.error());
    facts.slice_endpoints = std::move(*counts);
    break;
  }
  // One table a kind; the objects of a kind stand together.
  for (auto first = resources.begin(); first != resources.end();) {
    const model::Kind& kind = first->kind();
    Table table(HeaderOf(kind, style));
    auto next = first;
    for (; next != resources.end() && &next->kind() == &kind; ++next) {
      table.Add(RowOf(*next, style, facts));
    }
    if (first != resources.begin()) invocation.out << "\n";
    invocation.out << table.Take(!invocation.arguments.Has("--no-headers"));
    first = next;
  }
  return Exit::kOk;
}

Exit RunGet(const Invocation& invocation) {
  const Arguments& arguments = invocation.arguments;
  const auto words = ParseObjectWords(arguments.operands());
  if (!words) return ReportUsage(invocation, words.error());
  const bool named = !words->front().name.empty();
  if (named && (arguments.Has("--selector") || arguments.Has("--all-namespaces"))) {
    return ReportUsage(invocation, "names exclude --selector and --all-namespaces");
  }
  Client client(invocation.server, invocation.request_timeout);
  if (arguments.Has("--watch")) {
    if (words->size() > 1) return ReportUsage(invocation, "--watch takes one kind or one object");
    return WatchObjects(invocation, client, words->front());
  }

  const Found found = Fetch(invocation, client, *words);
  if (found.exit != Exit::kOk && found.resources.empty()) return found.exit;
  if (PrintUnlessTable(invocation, {.resources = found.resources,
                                    .as_list = found.as_list,
                                    .nothing_found = "No resources found"})) {
    return found.exit;
  }
  const TableStyle style{.wide = arguments.Text(kOutputOption.flag) == "wide",
                         .with_namespace = arguments.Has("--all-namespaces"),
                         .with_kind = words->front().kind != words->back().kind};
  const Exit printed = PrintTables(invocation, client, found.resources, style);
  return found.exit == Exit::kOk ? printed : found.exit;
}

constexpr Option kOptions[] = {
    kOutputOption,
    {.flag = "--selector",
     .letter = "l",
     .value = "SELECTOR",
     .help = "Only objects with these labels: a=b,c!=d,e in (f,g),h,!i"},
    {.flag = "--all-namespaces", .letter = "A", .help = "Objects of every namespace"},
    {.flag = "--watch", .letter = "w", .help = "Show what is there and then every change"},
    {.flag = "--no-headers", .help = "No header line above a table"},
};

}  // namespace

const Command kGetCommand = {
    .name = "get",
    .operands = "KIND | KIND NAME... | KIND/NAME... | all",
    .summary = "Shows objects",
    .details = "Example: ctl get listeners -o wide",
    .options = kOptions,
    .offers = Offers::kObjects,
    .run = RunGet,
};

}  // namespace sluice::ctl
