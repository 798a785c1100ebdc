#include "dataplane/serve/session_ends.h"

#include <string>

#include "dataplane/config/runtime_config.h"
#include "dataplane/log/access_log.h"
#include "dataplane/serve/worker_context.h"
#include "dataplane/variables/text_template.h"

namespace sluice::dataplane {

void BeginSession(WorkerContext& worker, const std::shared_ptr<WorkerListener>& served,
                  Protocol protocol, SessionState& state) {
  state.id = worker.NextSessionId();
  state.protocol = protocol;
  state.worker = worker.index();
  state.start = worker.loop().now();
  state.start_wall = std::chrono::system_clock::now();
  state.listener = Pin(served);
}

void CountOpened(WorkerContext& worker, WorkerListener& served) {
  served.counters.sessions_opened.Add();
  worker.census().Opened(served);
}

void OpenSession(WorkerContext& worker, const std::shared_ptr<WorkerListener>& served,
                 Protocol protocol, SessionState& state) {
  BeginSession(worker, served, protocol, state);
  CountOpened(worker, *served);
}

void CloseSession(WorkerContext& worker, WorkerListener& served, CloseReason reason,
                  SessionState& state) {
  state.close_reason = reason;
  state.end = worker.loop().now();
  served.counters.sessions_closed[static_cast<std::size_t>(reason)].Add();
  for (const AccessLogTarget& target : served.config->access_log) {
    std::string& line = worker.EmptyText();
    target.format->Render(state, line);
    if (!target.destination->Write(line)) served.counters.access_log_dropped.Add();
  }
  state.held.clear();
  worker.census().Closed(served);
  worker.memory_return().SessionClosed(worker.census().open());
}

std::chrono::milliseconds Since(MonotonicTime start, MonotonicTime now) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - start);
}

}  // namespace sluice::dataplane
