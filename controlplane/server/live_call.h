// The streaming calls: a Watch or a Rollout as a gRPC reactor that the stream driver keeps going.
// Each owns itself until gRPC is done with it.
#pragma once

#include <grpcpp/support/server_callback.h>

#include "controlplane/api/work_queue.h"
#include "controlplane/server/stream_driver.h"
#include "controlplane/store/catalog.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::controlplane {

grpc::ServerWriteReactor<v1::WatchResponse>* StartWatchCall(const v1::WatchRequest& request,
                                                            Catalog& catalog, FleetView& fleet,
                                                            StreamDriver& driver, WorkQueue& queue);

grpc::ServerWriteReactor<v1::RolloutResponse>* StartRolloutCall(const v1::RolloutRequest& request,
                                                                const Catalog& catalog,
                                                                FleetView& fleet,
                                                                StreamDriver& driver);

}  // namespace sluice::controlplane
