// One watch: which events its client gets, and in which order. First everything there is (or what
// changed since the generation to resume from), SYNCED, then every change. An object that leaves
// the selection is DELETED to this client, one that enters it ADDED. No gRPC: the stream asks Next.
//
// Next and CompareStatuses: one caller at a time. `wake` is called from any thread when Next may
// have something again.
#pragma once

#include <functional>
#include <memory>

#include "controlplane/api/refusal.h"
#include "controlplane/api/resource_filter.h"
#include "controlplane/fleet/fleet_view.h"
#include "controlplane/store/catalog.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::controlplane {

class Watch {
 public:
  virtual ~Watch() = default;

  enum class Progress {
    kEvent,    // `event` is the next one.
    kIdle,     // Nothing now.
    kTooSlow,  // More than limits::kWatchBacklog events wait: the watch is over.
  };
  virtual Progress Next(v1::WatchResponse& event) = 0;

  // Makes a MODIFIED of each object whose status alone has changed since it was last sent. Costs as
  // much as there are objects in the watch, so the caller decides how often.
  virtual void CompareStatuses() = 0;
};

// Reads the store when it resumes, so it may block. kOutOfRange: too old, list again. DataPlane
// objects have no history: their watch always begins with everything there is.
Answer<std::unique_ptr<Watch>> StartWatch(const v1::WatchRequest& request, Catalog& catalog,
                                          const FleetView& fleet, std::function<void()> wake);

}  // namespace sluice::controlplane
