#include "controlplane/ctl/rollout.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <thread>

#include "common/base/text_format.h"
#include "controlplane/ctl/age.h"
#include "controlplane/ctl/problem_text.h"
#include "controlplane/ctl/report.h"
#include "controlplane/ctl/table.h"

namespace sluice::ctl {
namespace {

// After a failed wait a person must know whether to apply again.
constexpr std::string_view kStored =
    "  The change is stored. A data plane that can will run it; `ctl fleet` shows how far they "
    "are.\n";
using Now = std::chrono::system_clock::time_point;

constexpr auto kRetryPause = std::chrono::milliseconds(200);

std::string Lagging(const v1::RolloutResponse& state, Now now) {
  std::string names;
  int unnamed = state.nodes_total() - state.nodes_synced();
  for (const auto& node : state.nodes()) {
    if (node.synced() || !node.problems().empty()) continue;
    if (!names.empty()) names += ", ";
    names += OneLine(node.node_id());
    if (!node.connected() && node.has_last_seen()) {
      names += fmt::format(" (not connected, last seen {} ago)", AgeOf(node.last_seen(), now));
    } else if (node.active_generation() > 0) {
      names += fmt::format(" (runs {})", node.active_generation());
    }
    --unnamed;
  }
  for (const auto& node : state.nodes()) {
    if (!node.synced() && !node.problems().empty()) --unnamed;
  }
  if (unnamed > 0) names += fmt::format("{}{} more", names.empty() ? "" : " and ", unnamed);
  return names;
}

bool AnyRefusal(const v1::RolloutResponse& state) {
  for (const auto& node : state.nodes()) {
    if (!node.problems().empty()) return true;
  }
  return false;
}

Exit Settled(const Invocation& invocation, const v1::RolloutResponse& state,
             std::int64_t generation) {
  invocation.err << GoneText(state, std::chrono::system_clock::now());
  if (AnyRefusal(state)) {
    invocation.err << RefusalsText(state)
                   << fmt::format("error: generation {} is stored, but not in force everywhere\n",
                                  generation);
    return Exit::kFailed;
  }
  if (state.nodes_total() == 0) {
    invocation.err << "notice: no connected data plane is selected, so there was nothing to wait "
                      "for\n";
    return Exit::kOk;
  }
  const auto nodes = static_cast<std::uint64_t>(state.nodes_total());
  invocation.err << fmt::format("generation {} is in force on {}\n", generation,
                                Counted(nodes, "data plane"));
  return Exit::kOk;
}

struct Unfinished {
  const std::optional<v1::RolloutResponse>& last;
  int most_nodes;  // That the control plane has spoken of.
  std::int64_t generation;
  std::chrono::nanoseconds timeout;
};

std::string TimedOutText(const Unfinished& rollout) {
  auto text = fmt::format("error: timed out after {} waiting for generation {}",
                          FormatDuration(rollout.timeout), rollout.generation);
  if (!rollout.last) {
    return text + ": the control plane did not say how far it is\n" + std::string(kStored);
  }
  const std::string lagging = Lagging(*rollout.last, std::chrono::system_clock::now());
  if (!lagging.empty()) text += "; lagging: " + lagging;
  if (const int missing = rollout.most_nodes - rollout.last->nodes_total(); missing > 0) {
    text += fmt::format("; not back since the control plane went away: {}", missing);
  }
  return text + "\n" + RefusalsText(*rollout.last) + std::string(kStored);
}

}  // namespace

std::string ProgressText(const v1::RolloutResponse& state, std::int64_t generation, Now now) {
  const auto nodes = static_cast<std::uint64_t>(state.nodes_total());
  auto text = fmt::format("{} of {} {} generation {}", state.nodes_synced(),
                          Counted(nodes, "data plane"), nodes == 1 ? "runs" : "run", generation);
  if (const std::string lagging = Lagging(state, now); !lagging.empty()) {
    text += fmt::format("; waiting for {}", lagging);
  }
  return text;
}

std::string GoneText(const v1::RolloutResponse& state, Now now) {
  std::string text;
  for (const auto& node : state.gone()) {
    text += fmt::format(
        "notice: data plane {} is not connected (last seen {} ago) and was not waited for; it "
        "takes the change when it is back\n",
        OneLine(node.node_id()), AgeOf(node.last_seen(), now));
  }
  return text;
}

std::string RefusalsText(const v1::RolloutResponse& state) {
  std::string text;
  for (const auto& node : state.nodes()) {
    for (const auto& problem : node.problems()) {
      text +=
          fmt::format("error: data plane {}: {}\n", OneLine(node.node_id()), ProblemText(problem));
    }
  }
  return text;
}

Exit FollowRollout(const Invocation& invocation, Client& client, const RolloutTarget& target,
                   std::chrono::nanoseconds timeout) {
  const auto deadline = std::chrono::system_clock::now() +
                        std::chrono::duration_cast<std::chrono::microseconds>(timeout);
  v1::RolloutRequest request;
  request.set_generation(target.generation);
  for (const auto& object : target.objects) *request.add_objects() = object;

  std::optional<v1::RolloutResponse> last;
  std::string said;
  bool said_lost = false;
  int most_nodes = 0;
  while (true) {
    const auto followed = client.Rollout(request, deadline, [&](const v1::RolloutResponse& state) {
      last = state;
      most_nodes = std::max(most_nodes, state.nodes_total());
      if (state.settled()) return false;
      auto progress = ProgressText(state, target.generation, std::chrono::system_clock::now());
      if (progress != said) invocation.err << progress << std::endl;
      said = std::move(progress);
      return true;
    });
    // A control plane that has restarted knows only those data planes that have come back.
    const bool all_back =
        !said_lost || (last && last->nodes_total() > 0 && last->nodes_total() >= most_nodes);
    if (followed && last && last->settled() && (all_back || AnyRefusal(*last))) {
      return Settled(invocation, *last, target.generation);
    }
    const bool again = followed || followed.error().error.code == ErrorCode::kUnavailable;
    if (!again) return ReportCall(invocation, followed.error());
    if (std::chrono::system_clock::now() + kRetryPause >= deadline) {
      invocation.err << TimedOutText({.last = last,
                                      .most_nodes = most_nodes,
                                      .generation = target.generation,
                                      .timeout = timeout});
      return Exit::kFailed;
    }
    if (!followed && !said_lost) {
      invocation.err << "the control plane went away; asking again" << std::endl;
      said_lost = true;
    }
    if (!followed) client.AwaitConnection(deadline);
    std::this_thread::sleep_for(kRetryPause);
  }
}

}  // namespace sluice::ctl
