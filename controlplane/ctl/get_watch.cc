#include "controlplane/ctl/get_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <ostream>
#include <thread>

#include "common/manifest/manifest.h"
#include "controlplane/ctl/columns.h"
#include "controlplane/ctl/object_text.h"
#include "controlplane/ctl/report.h"
#include "controlplane/ctl/slice_counts.h"

namespace sluice::ctl {
namespace {

// Between two attempts to reach a control plane that has gone.
constexpr auto kPause = std::chrono::milliseconds(200);

// Turns events into text in the form that was asked for.
class EventPrinter {
 public:
  EventPrinter(const Invocation& invocation, Client& client, const model::Kind& kind)
      : invocation_(invocation),
        client_(client),
        kind_(kind),
        format_(invocation.arguments.Text("--output")),
        style_{.wide = format_ == "wide",
               .with_namespace = invocation.arguments.Has("--all-namespaces"),
               .with_kind = false,
               .with_event = true},
        table_(HeaderOf(kind, style_)) {}

  void Add(const model::Resource& resource, std::string_view event) {
    if (format_ == "name") {
      invocation_.out << resource.key().Text() << "\n";
    } else if (format_ == "json") {
      invocation_.out << fmt::format("{{\"type\":\"{}\",\"object\":{}}}\n", event,
                                     manifest::ToJson(resource.message(), false));
    } else if (format_ == "yaml") {
      invocation_.out << fmt::format("--- # {}\n{}", event, YamlOf({resource}));
    } else {
      Facts();
      table_.Add(RowOf(resource, style_, *facts_, event));
    }
  }

  // The rows of one moment together, so that their columns fit.
  void Print() {
    facts_.reset();
    if (!table_.empty()) {
      invocation_.out << table_.Take(!invocation_.arguments.Has("--no-headers"));
    }
    invocation_.out.flush();
  }

 private:
  // Read once for the rows of one moment. Counts of slices are left out when they cannot be had.
  void Facts() {
    if (facts_) return;
    facts_ = ColumnFacts{.now = std::chrono::system_clock::now(), .slice_endpoints = {}};
    if (kind_.name != "Upstream") return;
    auto counts = CountSliceEndpoints(client_, style_.with_namespace ? "" : invocation_.ns);
    if (counts) facts_->slice_endpoints = std::move(*counts);
  }

  const Invocation& invocation_;
  Client& client_;
  const model::Kind& kind_;
  const std::string format_;
  const TableStyle style_;
  Table table_;
  std::optional<ColumnFacts> facts_;
};

}  // namespace

Exit WatchObjects(const Invocation& invocation, Client& client, const ObjectWord& word) {
  v1::WatchRequest request;
  request.set_kind(std::string(word.kind->name));
  if (!invocation.arguments.Has("--all-namespaces")) {
    request.set_namespace_(RefTo(word, invocation.ns).namespace_());
  }
  request.set_label_selector(invocation.arguments.Text("--selector"));
  request.set_name(word.name);

  EventPrinter printer(invocation, client, *word.kind);
  std::int64_t resume_from = 0;  // Everything up to this generation has been shown.
  bool began = false;
  bool said_lost = false;
  while (true) {
    request.set_from_generation(resume_from);
    bool at_start = true;
    std::optional<Error> unreadable;
    const auto watched =
        client.Watch(request, Client::kNoDeadline, [&](const v1::WatchResponse& response) {
          said_lost = false;
          if (response.event() == v1::WatchResponse::SYNCED) {
            began = true;
            at_start = false;
            resume_from = response.generation();
            printer.Print();
            return static_cast<bool>(invocation.out);
          }
          const auto resource = model::Resource::FromAny(response.resource());
          if (!resource) {
            unreadable = resource.error();
            return false;
          }
          printer.Add(*resource, v1::WatchResponse::Event_Name(response.event()));
          if (!at_start) {
            printer.Print();
            // More of the same generation may follow.
            resume_from = std::max(resume_from, response.generation() - 1);
          }
          return static_cast<bool>(invocation.out);
        });
    if (unreadable) return ReportCall(invocation, CallError{.error = *unreadable});
    if (!invocation.out) return Exit::kFailed;
    printer.Print();  // What came before the stream was cut.
    if (!watched && watched.error().error.code == ErrorCode::kOutOfRange && resume_from > 0) {
      invocation.err << "notice: changes were missed meanwhile; this is all there is now"
                     << std::endl;
      resume_from = 0;
      continue;
    }
    const bool lost = watched || watched.error().error.code == ErrorCode::kUnavailable;
    if (!began || !lost) {
      return ReportCall(invocation, watched ? CallError{.error = {ErrorCode::kUnavailable,
                                                                  "the control plane ended the "
                                                                  "watch"}}
                                            : watched.error());
    }
    if (!said_lost) invocation.err << "the control plane went away; asking again" << std::endl;
    said_lost = true;
    client.AwaitConnection(Client::kNoDeadline);
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace sluice::ctl
