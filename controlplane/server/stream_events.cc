#include "controlplane/server/stream_events.h"

#include <chrono>
#include <string>

#include "common/log/event_log.h"

namespace sluice::controlplane {

void StreamEvents::Answered(const NodeIdentity& node, const AnswerVerdict& verdict) {
  if (!verdict.accepted.empty()) {
    fleet_.AnswerAccepted(node.id, KindNameOf(verdict.type), verdict.accepted);
  }
  if (verdict.refused.empty()) return;
  // A client that refuses the same again and again is logged once.
  if (!fleet_.AnswerRefused(node.id, verdict.generation, verdict.refused)) return;
  const v1::ResourceProblem& first = verdict.refused.front();
  LogEvent(LogLevel::kWarning, "resource_refused",
           {{"node", node.id},
            {"generation", verdict.generation},
            {"count", verdict.refused.size()},
            {"kind", first.kind()},
            {"name", first.name()},
            {"version", first.version()},
            {"reason", first.reason()},
            {"message", first.message()}});
}

void StreamEvents::Replaced(const NodeIdentity& node) {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::steady_clock::now().time_since_epoch())
                       .count();
  const bool quiet = last_replaced_log_.exchange(now) != now;
  LogEvent(quiet ? LogLevel::kWarning : LogLevel::kDebug, "discovery_stream_replaced",
           {{"node", node.id}});
}

}  // namespace sluice::controlplane
