// Everything that can grow has its bound here, and nowhere else. Going over a bound is an error
// whose message names it. Bounds of a field that a person writes stand in the proto's comment too.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::limits {

// Manifests (YAML given to ctl or to --config).
inline constexpr std::size_t kManifestBytes = 8 * 1024 * 1024;
inline constexpr std::size_t kManifestTotalBytes = 32 * 1024 * 1024;  // Of all files given at once.
inline constexpr std::size_t kManifestDepth = 32;
inline constexpr std::size_t kManifestNodes = 1'000'000;  // After alias expansion.
inline constexpr std::size_t kManifestDocuments = 10'000;
inline constexpr std::size_t kManifestFiles = 1'000;  // In a directory.
inline constexpr std::size_t kViolationsReported = 100;
// Beyond it nobody looks for more, so that a hostile manifest does not make the answer late.
inline constexpr std::size_t kViolationsCounted = 10'000;

// Resources.
inline constexpr std::size_t kNameLength = 63;
inline constexpr std::size_t kLabels = 64;
inline constexpr std::size_t kLabelKeyLength = 317;  // A DNS prefix, a slash and a name.
inline constexpr std::size_t kAnnotationBytes = 256 * 1024;
inline constexpr std::size_t kResourceBytes =
    1024 * 1024;  // Serialised; fits one discovery message.
inline constexpr std::size_t kRoutesPerListener = 64;
inline constexpr std::size_t kSourcesPerMatch = 1024;
inline constexpr std::size_t kSplitTargets = 32;
inline constexpr std::size_t kAccessPoliciesPerListener = 16;
inline constexpr std::size_t kRulesPerPolicy = 1000;
inline constexpr std::size_t kSourcesPerRule = 10'000;
inline constexpr std::size_t kAccessLogsPerListener = 4;
inline constexpr std::size_t kKeyLimitsPerListener = 4;
inline constexpr std::size_t kInlineEndpoints = 1000;
inline constexpr std::size_t kSliceEndpoints = 100;
inline constexpr std::size_t kUpstreamEndpoints = 10'000;
inline constexpr std::size_t kTextTemplateBytes = 4096;
inline constexpr std::size_t kUnixPathBytes = 107;  // sockaddr_un.sun_path without the NUL.
// RING_HASH: points for a unit of weight, as nginx, as long as the weights of an upstream add up to
// kRingExactWeight or to the number of its endpoints. Beyond that its endpoints share as many
// points as they would have then (nginx takes gigabytes). At most 1.6 million an upstream.
inline constexpr std::size_t kRingPointsPerWeight = 160;
inline constexpr std::size_t kRingExactWeight = 64;
// Of all upstreams of a data plane together, 8 bytes each: those in force, and with the older forms
// that sessions still hold.
inline constexpr std::size_t kRingPointsInForce = 16'000'000;
inline constexpr std::size_t kRingPointsHeld = 2 * kRingPointsInForce;

// API.
inline constexpr std::size_t kApplyResources = 10'000;
inline constexpr std::size_t kApiMessageBytes = 32 * 1024 * 1024;
inline constexpr std::size_t kListPage = 10'000;
inline constexpr std::size_t kStoredObjects = 100'000;
inline constexpr std::size_t kHistoryGenerations = 10'000;       // Watches resume within these.
inline constexpr std::size_t kHistoryBytes = 256 * 1024 * 1024;  // Whichever is reached first.
inline constexpr std::size_t kListPageBytes =
    3 * 1024 * 1024;                                  // Below the 4 MiB that gRPC clients take.
inline constexpr std::size_t kPendingWrites = 1'000;  // Applies and deletes that wait their turn.
inline constexpr std::size_t kWatchBacklog = 10'000;  // Events a slow watcher may lag behind.
inline constexpr std::size_t kSelectorBytes = 4096;
inline constexpr std::size_t kPageTokenBytes = 16 * 1024;
inline constexpr int kCommitAttempts = 16;  // Of one write, while other control planes are faster.
// Between two looks at a store that others may write to; longer while it cannot be read.
inline constexpr std::chrono::milliseconds kFollowInterval{20};
inline constexpr std::chrono::milliseconds kFollowPause{1'000};
// Violations in an answer, for clients that say they take more headers than gRPC's default of 8
// KiB.
inline constexpr std::size_t kStatusDetailBytes = 128 * 1024;
inline constexpr std::size_t kDefaultStatusDetailBytes = 4 * 1024;
inline constexpr std::size_t kStatusMessageBytes = 1024;
inline constexpr std::size_t kWatchStreams = 1'000;

// Connections of a gRPC port. Fewer where the process may not have as many descriptors.
inline constexpr std::size_t kApiConnections = 2'000;
inline constexpr std::size_t kDiscoveryConnections = 12'000;  // A data plane has one.
// What one peer (an address; a /64 of IPv6) may have of them: a part in...
inline constexpr std::size_t kPeerConnectionsPart = 2;
inline constexpr std::chrono::milliseconds kConnectionsLook{1'000};  // Whether some have closed.
inline constexpr std::size_t kGrpcAcceptBatch = 64;
inline constexpr std::chrono::seconds kRefusalsSaid{10};  // Between two events that count them.
inline constexpr std::chrono::seconds kSilentTime{10};    // Until a connection says something.
inline constexpr std::chrono::minutes kIdleConnectionTime{5};   // Without a call.
inline constexpr std::chrono::seconds kGrpcUnacknowledged{10};  // Data sent; then it is no more.
// What one call may have of headers, on the wire and decoded.
inline constexpr std::size_t kCallHeaderBytes = 32 * 1024;
inline constexpr std::size_t kCallHeaderFrames = 16;
inline constexpr int kConcurrentCalls = 256;  // Of a connection.
// Of API calls that are still on their way: of a peer, and of all.
inline constexpr std::size_t kUnfinishedBytesOfAPeer = 128 * 1024 * 1024;
inline constexpr std::size_t kUnfinishedBytes = 256 * 1024 * 1024;
// What a peer has done is remembered for so long after it has gone, of so many peers.
inline constexpr std::chrono::seconds kPeerRemembered{60};
inline constexpr std::size_t kPeersRemembered = 20'000;
inline constexpr int kGrpcBacklog = 4'096;  // Connections that the kernel keeps for us to accept.
inline constexpr std::chrono::milliseconds kGrpcAcceptPause{100};  // After descriptors ran out.

// HTTP, as common/http serves it.
inline constexpr std::size_t kHttpConnections = 1'024;      // Of a server that sets no less.
inline constexpr std::size_t kHttpTargetBytes = 8 * 1024;   // Of the path and query.
inline constexpr std::size_t kHttpHeaderBytes = 16 * 1024;  // Of a request line and its fields.
inline constexpr std::size_t kHttpHeaderFields = 100;       // Of a request.
inline constexpr std::size_t kHttpAnswerHeaderBytes = 16 * 1024;
inline constexpr std::size_t kHttpReadBytes = 16 * 1024;  // At once, of one connection.
// What a source hands out at once, and so what a client that reads slowly holds up.
inline constexpr std::size_t kHttpPieceBytes = 4 * 1024 * 1024;
inline constexpr std::chrono::seconds kHttpDeadline{10};  // For a whole request and its answer.
inline constexpr std::chrono::seconds kHttpIdle{75};      // Between two of one connection.
inline constexpr std::chrono::seconds kHttpLingering{2};  // For the client to end after its last.
inline constexpr std::chrono::milliseconds kHttpAcceptPause{100};  // After descriptors ran out.

// ctl.
inline constexpr std::size_t kCtlConfigBytes = 64 * 1024;
inline constexpr std::size_t kDiffCells =
    4'000'000;  // Edit distance times lines; beyond it a diff is coarse.

// Discovery.
inline constexpr std::size_t kDiscoveryRequestBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kDiscoveryResponseBytes =
    1024 * 1024;  // Responses are split below it.
inline constexpr std::size_t kSubscribedNames = 10'000;
inline constexpr std::size_t kSubscribedNameBytes = 512;
inline constexpr std::size_t kUnansweredTypeErrors = 100;  // Of one stream that does not read.
inline constexpr std::size_t kRemovalsRemembered = 1'000;  // Generations, a visibility group.
inline constexpr std::size_t kDiscoveryStreams = 10'000;
inline constexpr std::size_t kReportedProblems = 1'000;
inline constexpr std::size_t kRefusalDetails = 100;
inline constexpr std::size_t kRefusalTextBytes = 4096;
inline constexpr std::size_t kNodeIdLength = 253;
inline constexpr std::size_t kNodes = 10'000;         // Listed, those gone lately included.
inline constexpr std::chrono::minutes kNodeKept{10};  // After its last stream has ended.
// A node that lost its streams is expected back for so long before a rollout stops awaiting it.
inline constexpr std::chrono::seconds kNodeAwaited{15};
inline constexpr std::size_t kRolloutNodes = 100;  // Listed in one answer.
inline constexpr std::size_t kUnhealthyEndpointsReported = 1'000;

// Data plane.
inline constexpr std::size_t kWorkers = 256;
inline constexpr std::size_t kListeners = 10'000;
inline constexpr std::size_t kPostedTasks = 1'024;  // Waiting for one worker.
// Left to everything but sessions (a quarter of all where there are few).
inline constexpr std::size_t kReservedDescriptors = 32;
inline constexpr std::size_t kAcceptBatch = 64;          // accept4 calls a readiness event.
inline constexpr std::size_t kQueuedEvents = 1'024;      // Of the event log, to be written.
inline constexpr std::size_t kLingeringSockets = 1'024;  // A worker.
inline constexpr std::chrono::seconds kLingeringTime{2};
// That a peer may take nothing of what is left for it once the other peer's connection is dead.
inline constexpr std::chrono::seconds kDeliveryTime{10};
inline constexpr std::size_t kRelayScratchBytes = 64 * 1024;
// Of a client, that phases may look at before the relay reads them. Fits the scratch buffer.
inline constexpr std::size_t kFirstBytes = 64 * 1024;
inline constexpr std::size_t kFirstBytesOfAnySocket =
    16 * 1024;                                            // Every receive buffer holds them.
inline constexpr std::chrono::seconds kPhaseTimeout{30};  // Of a step that sets none; as nginx's.
// Datagrams that arrive while their flow is in a phase: of one flow, and of all of a worker.
inline constexpr std::size_t kUdpWaitingDatagrams = 64;
inline constexpr std::size_t kUdpWaitingBytes = 64 * 1024;
inline constexpr std::size_t kUdpWaitingBytesTotal = 32 * 1024 * 1024;
inline constexpr std::size_t kRelayPendingBytes =
    64 * 1024;  // Held for a slow reader, a direction.
// Also fs.pipe-max-size by default. Smaller pipes cost bulk a third more.
inline constexpr std::size_t kPipeBytes = 1024 * 1024;
inline constexpr std::size_t kPooledPipes = 256;  // A worker.
inline constexpr std::size_t kUdpBatch = 64;      // Datagrams a recvmmsg or sendmmsg.
inline constexpr std::size_t kUdpDatagramBytes = 65'507;
inline constexpr std::size_t kUdpFlows = 100'000;  // A worker; bounded by descriptors before that.
// Clients that are told apart while they are refused, a listener and worker, for a second.
inline constexpr std::size_t kUdpRefusedClients = 4096;
inline constexpr std::size_t kUdpSocketBufferBytes = 4 * 1024 * 1024;
// Access-log records a worker may be ahead of the writer, and that a destination which cannot be
// written may hold up; beyond it records are dropped and counted.
inline constexpr std::size_t kAccessLogRingBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kAccessLogPendingBytes = 4 * 1024 * 1024;
inline constexpr std::size_t kAccessLogDestinations = 1'024;  // Of all listeners together.
inline constexpr std::size_t kAccessLogRecordBytes = 64 * 1024;
inline constexpr std::chrono::seconds kAccessLogFlush{2};  // At shutdown.
inline constexpr std::size_t kAdminConnections = 64;
inline constexpr std::size_t kLimitKeys = 65'536;   // Distinct values of a per-key limit.
inline constexpr std::size_t kLimitKeyBytes = 255;  // nginx limit_conn.
inline constexpr std::size_t kConnectAttempts = 16;
inline constexpr std::size_t kSavedStateBytes = 256 * 1024 * 1024;  // The file in --state-dir.

}  // namespace sluice::limits
