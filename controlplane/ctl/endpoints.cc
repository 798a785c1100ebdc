// ctl endpoints: one endpoint changed without a file. Read, edit, apply with the version that was
// read as the precondition; when somebody else was faster, again.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ostream>
#include <random>
#include <thread>

#include "common/base/text_format.h"
#include "controlplane/ctl/client.h"
#include "controlplane/ctl/commands.h"
#include "controlplane/ctl/endpoint_edit.h"
#include "controlplane/ctl/object_words.h"
#include "controlplane/ctl/outcome_text.h"
#include "controlplane/ctl/report.h"
#include "controlplane/ctl/rollout.h"
#include "sluice/v1/endpoint_slice.pb.h"

namespace sluice::ctl {
namespace {

Answer<UpstreamParts> ReadParts(Client& client, const std::string& ns, const std::string& name) {
  auto upstream = client.Get(RefTo(*model::FindKind("Upstream"), ns, name));
  if (!upstream) return tl::unexpected(std::move(upstream.error()));
  auto slices = client.List(*model::FindKind("EndpointSlice"), ns, "");
  if (!slices) return tl::unexpected(std::move(slices.error()));
  UpstreamParts parts{.upstream = std::move(*upstream), .slices = {}};
  for (auto& slice : slices->resources) {
    if (slice.As<v1::EndpointSlice>().spec().upstream() == name) {
      parts.slices.push_back(std::move(slice));
    }
  }
  return parts;
}

Result<EndpointEdit> EditOf(const Arguments& arguments) {
  auto edit = ParseEndpointEdit(arguments.operands());
  if (!edit) return edit;
  edit->backup = arguments.Has("--backup");
  if (const std::string text = arguments.Text("--max-connections"); !text.empty()) {
    std::uint32_t most = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), most);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || most < 1 ||
        most > 10'000'000) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("--max-connections must be 1-10000000, got '{}'", text));
    }
    edit->max_connections = most;
  }
  if ((edit->backup || edit->max_connections) && edit->action != EndpointEdit::Action::kAdd) {
    return Fail(ErrorCode::kInvalidArgument, "--backup and --max-connections go with add only");
  }
  return edit;
}

// At random and longer each time, so that of many at once each gets its turn.
std::chrono::milliseconds PauseAfter(int attempt) {
  static std::minstd_rand random(std::random_device{}());
  constexpr int kLongest = 1000;
  const int most = std::min(kLongest, 10 << std::min(attempt, 7));
  return std::chrono::milliseconds(std::uniform_int_distribution(0, most)(random));
}

Exit RunEndpoints(const Invocation& invocation) {
  const auto edit = EditOf(invocation.arguments);
  if (!edit) return ReportUsage(invocation, edit.error());
  const auto timeout = invocation.arguments.Duration("--timeout");
  if (!timeout) return ReportUsage(invocation, timeout.error());

  Client client(invocation.server, invocation.request_timeout);
  RolloutTarget target;
  const auto give_up = std::chrono::steady_clock::now() + invocation.request_timeout;
  for (int attempt = 1;; ++attempt) {
    const auto parts = ReadParts(client, invocation.ns, edit->upstream);
    if (!parts) return ReportCall(invocation, parts.error());
    const auto changed = EditEndpoint(*parts, *edit);
    if (!changed) {
      const bool fine = changed.error().code == ErrorCode::kNotFound &&
                        invocation.arguments.Has("--ignore-not-found");
      if (fine) return Exit::kOk;
      return ReportCall(invocation, CallError{.error = changed.error()});
    }
    if (!*changed) {
      invocation.out << OutcomeLine(RefTo(parts->upstream), "unchanged", DryRun::kNone);
      return Exit::kOk;
    }
    v1::ApplyRequest request;
    *request.add_resources() = (*changed)->ToAny();
    const auto applied = client.Apply(request);
    if (applied) {
      for (const auto& result : applied->results()) {
        invocation.out << OutcomeLine(result, DryRun::kNone);
        target.objects.push_back(result.object());
      }
      target.generation = applied->generation();
      break;
    }
    const bool raced = applied.error().error.code == ErrorCode::kConflict;
    if (!raced) return ReportCall(invocation, applied.error());
    if (std::chrono::steady_clock::now() >= give_up) {
      invocation.err << fmt::format(
          "error: upstream {}: others were faster with every change for {} (--request-timeout); "
          "nothing is changed, try again\n",
          edit->upstream, FormatDuration(invocation.request_timeout));
      return Exit::kFailed;
    }
    std::this_thread::sleep_for(PauseAfter(attempt));
  }
  invocation.out.flush();
  if (!invocation.arguments.Has("--wait")) return Exit::kOk;
  return FollowRollout(invocation, client, target, *timeout);
}

constexpr Option kOptions[] = {
    {.flag = "--max-connections",
     .value = "N",
     .help = "With add: sessions open to the endpoint at a time, on one data plane"},
    {.flag = "--backup", .help = "With add: used only when no other endpoint can be"},
    {.flag = "--ignore-not-found",
     .help = "With remove: an endpoint that is not there is no error"},
    kWaitOption,
    kTimeoutOption,
};

}  // namespace

const Command kEndpointsCommand = {
    .name = "endpoints",
    .operands = "add|remove|drain|undrain|weight UPSTREAM ADDRESS [WEIGHT]",
    .summary = "Changes one endpoint of an upstream, without a file",
    .details =
        "The endpoint may stand in the upstream itself or in one of its slices. A new one goes\n"
        "into the upstream, or when that is full into the first slice with room.\n"
        "Example: ctl endpoints drain orders-db 10.0.0.11:5432 --wait",
    .options = kOptions,
    .offers = Offers::kEndpointEdit,
    .operand_choices = kEndpointActions,
    .run = RunEndpoints,
};

}  // namespace sluice::ctl
