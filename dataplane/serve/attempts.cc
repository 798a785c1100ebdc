#include "dataplane/serve/attempts.h"

#include <cerrno>
#include <initializer_list>
#include <string>
#include <vector>

#include "common/base/error_name.h"
#include "common/base/monotonic_time.h"
#include "common/log/event_log.h"
#include "dataplane/config/worker_upstream.h"
#include "dataplane/serve/session_ends.h"
#include "dataplane/serve/worker_context.h"
#include "dataplane/variables/text_template.h"

namespace sluice::dataplane {
namespace {

const Balancer& BalancerOf(const SessionState& state) { return *state.upstream->config->balancer; }

// Clients can make an endpoint that is there go down and up, by the load they bring.
void LogAvailability(WorkerContext& worker, const SessionState& state, LogLevel level,
                     std::string_view event, std::initializer_list<LogField> more) {
  const auto held_back = worker.endpoint_events().Pass(worker.loop().now());
  if (!held_back) return;
  std::vector<LogField> fields = {{"upstream", state.upstream->config->name},
                                  {"endpoint", EndpointInHand(state).text}};
  fields.insert(fields.end(), more);
  if (*held_back != 0) fields.emplace_back("more_events_held_back", *held_back);
  LogEvent(level, event, fields);
}

AttemptFailure CountAgainstEndpoint(WorkerContext& worker, SessionState& state, Counter& counter,
                                    CloseReason reason) {
  const Attempt& attempt = state.attempts.back();
  const Balancer& balancer = BalancerOf(state);
  if (balancer.Failed(attempt.endpoint, WholeSeconds(worker.loop().now()),
                      state.upstream->memory)) {
    LogAvailability(worker, state, LogLevel::kWarning, "endpoint_down",
                    {{"error", ErrorName(attempt.error)},
                     {"fails", balancer.health().max_fails},
                     {"tried_again_in_s", balancer.health().fail_timeout_s}});
  }
  counter.Add();
  return {reason, ConnectFault::kEndpoint};
}

}  // namespace

bool BeginAttempt(WorkerContext& worker, SessionState& state, Tries& tries) {
  WorkerUpstream& upstream = *state.upstream;
  PickInput input;
  input.client = &state.client;
  input.now_s = WholeSeconds(worker.loop().now());
  input.random = &worker.random();
  if (const auto& hash_key = upstream.config->hash_key; hash_key != nullptr) {
    std::string& key = worker.EmptyText();
    hash_key->Render(state, key);
    input.key = key;
  }
  const auto picked = BalancerOf(state).Pick(input, upstream.memory, tries);
  if (!picked) {
    if (state.attempts.empty()) upstream.counters.no_endpoint.Add();
    return false;
  }
  (state.attempts.empty() ? upstream.counters.sessions : upstream.counters.retries).Add();
  Attempt& attempt = state.attempts.emplace_back();
  attempt.endpoint = *picked;
  attempt.start = worker.loop().now();
  return true;
}

const BalanceEndpoint& EndpointInHand(const SessionState& state) {
  return BalancerOf(state).endpoints()[state.attempts.back().endpoint];
}

AttemptFailure FailAttempt(WorkerContext& worker, SessionState& state, int error) {
  state.attempts.back().error = error;
  const ConnectFault fault = FaultOf(error);
  if (fault != ConnectFault::kEndpoint) return {CloseReason::kResourcesExhausted, fault};
  return CountAgainstEndpoint(worker, state,
                              state.upstream->counters.connect_failures[ConnectErrorIndex(error)],
                              CloseReason::kConnectFailed);
}

AttemptFailure FailAttemptInTime(WorkerContext& worker, SessionState& state) {
  state.attempts.back().error = ETIMEDOUT;
  return CountAgainstEndpoint(worker, state, state.upstream->counters.connect_timeouts,
                              CloseReason::kConnectTimeout);
}

void SucceedAttempt(WorkerContext& worker, SessionState& state) {
  if (!BalancerOf(state).Succeeded(state.attempts.back().endpoint)) return;
  LogAvailability(worker, state, LogLevel::kInfo, "endpoint_up", {});
}

void FinishAttempt(WorkerContext& worker, SessionState& state) {
  Attempt& attempt = state.attempts.back();
  attempt.session_time = Since(attempt.start, worker.loop().now());
  BalancerOf(state).Release(attempt.endpoint);
}

}  // namespace sluice::dataplane
