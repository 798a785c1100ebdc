// ctl wait: returns when objects are as asked, or the time is over.
#include <fmt/format.h>

#include <chrono>
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

// Conditions follow the data planes' reports and make no generation, so they are asked for.
constexpr auto kPause = std::chrono::milliseconds(100);

struct Patience {
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

// `answered`: the control plane has answered at least once, for this object or another.
Exit WaitForOne(const Invocation& invocation, Client& client, const v1::ObjectRef& object,
                const WaitCondition& condition, const Patience& patience, bool& answered) {
  while (true) {
    const auto answer = client.Get(object);
    const bool missing = !answer && answer.error().error.code == ErrorCode::kNotFound;
    if (!answer && !missing) {
      // One that answered before is expected back; until then only time decides.
      const bool lost = answered && answer.error().error.code == ErrorCode::kUnavailable &&
                        std::chrono::system_clock::now() + kPause < patience.deadline;
      if (!lost) return ReportCall(invocation, answer.error());
      client.AwaitConnection(patience.deadline);
      std::this_thread::sleep_for(kPause);
      continue;
    }
    answered = true;
    if (missing && condition.what == WaitCondition::What::kCondition) {
      return ReportCall(invocation, answer.error());
    }
    const model::Resource* resource = answer ? &*answer : nullptr;
    if (Holds(condition, resource)) {
      invocation.out << TextOf(object) << " " << MetWord(condition) << "\n";
      invocation.out.flush();
      return Exit::kOk;
    }
    if (std::chrono::system_clock::now() + kPause >= patience.deadline) {
      invocation.err << fmt::format("error: timed out after {} waiting for {}: {}\n",
                                    FormatDuration(patience.timeout), TextOf(object),
                                    StandText(condition, resource));
      return Exit::kFailed;
    }
    std::this_thread::sleep_for(kPause);
  }
}

Exit RunWait(const Invocation& invocation) {
  const auto words = ParseObjectNames(invocation.arguments.operands());
  if (!words) return ReportUsage(invocation, words.error());
  const auto condition = ParseWaitCondition(invocation.arguments.Text("--for"));
  if (!condition) return ReportUsage(invocation, condition.error());
  const auto timeout = invocation.arguments.Duration("--timeout");
  if (!timeout) return ReportUsage(invocation, timeout.error());

  Client client(invocation.server, invocation.request_timeout);
  const Patience patience{
      .timeout = *timeout,
      .deadline = std::chrono::system_clock::now() +
                  std::chrono::duration_cast<std::chrono::microseconds>(*timeout)};
  Exit worst = Exit::kOk;
  bool answered = false;
  for (const ObjectWord& word : *words) {
    const auto object = RefTo(*word.kind, invocation.ns, word.name);
    const Exit exit = WaitForOne(invocation, client, object, *condition, patience, answered);
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
