// sluice-dataplane. See data_plane.h.
#include <fmt/format.h>

#include <cstdio>

#include "common/base/descriptor_limit.h"
#include "common/base/library_locks.h"
#include "common/base/standard_descriptors.h"
#include "common/log/event_log.h"
#include "common/log/library_log.h"
#include "common/process/signals.h"
#include "dataplane/bootstrap/data_plane.h"
#include "dataplane/bootstrap/options.h"

int main(int argc, char** argv) {
  using namespace sluice;
  HoldSignals();
  FillStandardDescriptors();
  StopLibraryLockChecks();
  const dataplane::ParsedOptions parsed = dataplane::ParseOptions(argc, argv);
  if (!parsed.options) return parsed.exit_status;
  // Each worker's loop takes a few, gRPC some more, and sessions want any.
  const std::size_t needed = 32 + 4 * static_cast<std::size_t>(parsed.options->workers);
  if (const Result<void> enough = RaiseDescriptorLimit(needed); !enough) {
    fmt::print(stderr, "sluice-dataplane: {}\n", enough.error().message);
    return 1;
  }
  SetLogLevel(parsed.options->log_level);
  LogLibraries();
  dataplane::DataPlane data_plane(*parsed.options);
  if (const Result<void> started = data_plane.Start(); !started) {
    FlushEventLog();
    fmt::print(stderr, "sluice-dataplane: {}\n", started.error().message);
    return 1;
  }
  data_plane.Run();
  FlushEventLog();
  return 0;
}
