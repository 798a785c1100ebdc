// What the libraries that we stand on would write to standard error themselves.
#pragma once

namespace sluice {

// gRPC and protobuf log through the event log from now on: a peer's bytes can make them speak, so
// at debug, but for what ends the process. To be called before the first thread.
void LogLibraries();

}  // namespace sluice
