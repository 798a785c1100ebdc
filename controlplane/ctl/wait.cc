// ctl wait: returns when objects are as asked, or the time is over.
#include <fmt/format.h>

#include <chrono>
#include <functional>
#include <optional>
#include <ostream>
#include <thread>

#include "common/base/text_format.h"
#include "controlplane/ctl/client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/object_words.h"
#include "controlplane/ctl/report.h"
#include "controlplane/ctl/rollout.h"
#include "controlplane/ctl/wait_condition.h"

namespace sluice::ctl {
namespace {

// Between two attempts to reach a control plane that has gone.
constexpr auto kPause = std::chrono::milliseconds(100);

struct WaitLimits {
  std::chrono::nanoseconds timeout;
  Client::Deadline deadline;
};

std::string_view MetWord(const WaitCondition& condition) {
  switch (condition.what) {
    case WaitCondition::What::kCreate:
      return "created";
    case WaitCondition::What::kDelete:
      return "deleted";
    default:
      return "condition met";
  }
}

// What watching the object has told so far.
struct Observation {
  bool complete = false;  // `object` is all there is, or there is none.
  std::optional<model::Resource> object;
  std::optional<Error> unreadable;

  void Take(const v1::WatchResponse& response) {
    if (response.event() == v1::WatchResponse::SYNCED) {
      complete = true;
      return;
    }
    if (response.event() == v1::WatchResponse::DELETED) {
      object.reset();
      return;
    }
    auto resource = model::Resource::FromAny(response.resource());
    if (resource) {
      object = std::move(*resource);
    } else {
      unreadable = resource.error();
    }
  }
};

// Watches until `done` or the deadline, over restarts of the control plane. `answered`: it has
// answered at least once, for this object or another; one that never did is not waited for.
Answer<Observation> WatchUntil(Client& client, const v1::ObjectRef& object,
                               Client::Deadline deadline, bool& answered,
                               const std::function<bool(const Observation&)>& done) {
  v1::WatchRequest request;
  request.set_kind(object.kind());
  request.set_namespace_(object.namespace_());
  request.set_name(object.name());
  Observation last;
  while (true) {
    Observation seen;
    const auto watched = client.Watch(request, deadline, [&](const v1::WatchResponse& response) {
      seen.Take(response);
      answered = answered || seen.complete;
      return !seen.unreadable && !(seen.complete && done(seen));
    });
    if (seen.unreadable) return tl::unexpected(CallError{.error = *seen.unreadable});
    if (seen.complete) last = std::move(seen);
    if (last.complete && done(last)) return last;
    if (std::chrono::system_clock::now() + kPause >= deadline) return last;
    if (!watched && (!answered || watched.error().error.code != ErrorCode::kUnavailable)) {
      return tl::unexpected(watched.error());
    }
    client.AwaitConnection(deadline);
    std::this_thread::sleep_for(kPause);
  }
}

Exit WaitForOne(const Invocation& invocation, Client& client, const v1::ObjectRef& object,
                const WaitCondition& condition, const WaitLimits& limits, bool& answered) {
  const bool needs_object = condition.what == WaitCondition::What::kCondition;
  const auto at = [](const Observation& now) { return now.object ? &*now.object : nullptr; };
  const auto seen =
      WatchUntil(client, object, limits.deadline, answered, [&](const Observation& now) {
        return (needs_object && !now.object) || Holds(condition, at(now));
      });
  if (!seen) return ReportCall(invocation, seen.error());
  if (seen->complete && needs_object && !seen->object) {
    invocation.err << fmt::format("error: {} not found\n", TextOf(object));
    return Exit::kFailed;
  }
  if (seen->complete && Holds(condition, at(*seen))) {
    invocation.out << TextOf(object) << " " << MetWord(condition) << "\n";
    invocation.out.flush();
    return Exit::kOk;
  }
  invocation.err << fmt::format(
      "error: timed out after {} waiting for {}: {}\n", FormatDuration(limits.timeout),
      TextOf(object),
      seen->complete ? StandText(condition, at(*seen)) : "the control plane did not answer");
  return Exit::kFailed;
}

Exit RunWait(const Invocation& invocation) {
  const auto words = ParseObjectNames(invocation.arguments.operands());
  if (!words) return ReportUsage(invocation, words.error());
  const auto condition = ParseWaitCondition(invocation.arguments.Text("--for"));
  if (!condition) return ReportUsage(invocation, condition.error());
  const auto timeout = invocation.arguments.Duration("--timeout");
  if (!timeout) return ReportUsage(invocation, timeout.error());

  Client client(invocation.server, invocation.request_timeout);
  const WaitLimits limits{
      .timeout = *timeout,
      .deadline = std::chrono::system_clock::now() +
                  std::chrono::duration_cast<std::chrono::microseconds>(*timeout)};
  Exit worst = Exit::kOk;
  bool answered = false;
  for (const ObjectWord& word : *words) {
    const auto object = RefTo(word, invocation.ns);
    const Exit exit = WaitForOne(invocation, client, object, *condition, limits, answered);
    if (exit != Exit::kOk) worst = exit;
  }
  return worst;
}

constexpr Option kOptions[] = {
    {.flag = "--for",
     .value = "WHAT",
     .help = "condition=TYPE[=True|False|Unknown] (types: Accepted, ResolvedRefs, Programmed, "
             "Synced), create or delete",
     .preset = "condition=Synced",
     .offers = Offers::kCondition},
    kTimeoutOption,
};

}  // namespace

const Command kWaitCommand = {
    .name = "wait",
    .operands = "KIND NAME... | KIND/NAME...",
    .summary = "Waits until objects are in a state",
    .details = "Example: ctl wait listener/orders-db --for=condition=Programmed --timeout 1m",
    .options = kOptions,
    .offers = Offers::kObjects,
    .run = RunWait,
};

}  // namespace sluice::ctl
