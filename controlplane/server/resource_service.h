// The gRPC shell of the API: threads, streams and status codes. What requests mean is decided in
// apply_plan, delete_plan, list_page and watch. Reads are answered where they arrive, from memory;
// writes and what reads the store go through one work queue. Thread-safe.
#pragma once

#include <memory>

#include "controlplane/fleet/fleet_view.h"
#include "controlplane/store/catalog.h"

namespace grpc {
class ServerBuilder;
}

namespace sluice::controlplane {

class ResourceApi {
 public:
  virtual ~ResourceApi() = default;
  // The service and its message limits; the server must be gone before this is.
  virtual void RegisterOn(grpc::ServerBuilder& builder) = 0;
  // Ends all streams with UNAVAILABLE. Writes that wait are still done; new calls are refused.
  virtual void Stop() = 0;
};

// Both must outlive it.
std::unique_ptr<ResourceApi> MakeResourceApi(Catalog& catalog, FleetView& fleet);

}  // namespace sluice::controlplane
