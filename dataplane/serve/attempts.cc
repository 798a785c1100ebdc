#include "dataplane/serve/attempts.h"

#include <string>

#include "common/base/monotonic_time.h"
#include "dataplane/config/worker_upstream.h"
#include "dataplane/serve/session_ends.h"
#include "dataplane/serve/worker_context.h"
#include "dataplane/variables/text_template.h"

namespace sluice::dataplane {
namespace {

const Balancer& BalancerOf(const SessionState& state) { return *state.upstream->config->balancer; }

AttemptFailure CountAgainstEndpoint(WorkerContext& worker, SessionState& state, Counter& counter,
                                    CloseReason reason) {
  BalancerOf(state).Failed(state.attempts.back().endpoint, WholeSeconds(worker.loop().now()),
                           state.upstream->memory);
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
  const ConnectFault fault = FaultOf(error);
  if (fault != ConnectFault::kEndpoint) return {CloseReason::kResourcesExhausted, fault};
  return CountAgainstEndpoint(worker, state, state.upstream->counters.connect_failures,
                              CloseReason::kConnectFailed);
}

AttemptFailure FailAttemptInTime(WorkerContext& worker, SessionState& state) {
  return CountAgainstEndpoint(worker, state, state.upstream->counters.connect_timeouts,
                              CloseReason::kConnectTimeout);
}

void FinishAttempt(WorkerContext& worker, SessionState& state) {
  Attempt& attempt = state.attempts.back();
  attempt.session_time = Since(attempt.start, worker.loop().now());
  BalancerOf(state).Release(attempt.endpoint);
}

}  // namespace sluice::dataplane
