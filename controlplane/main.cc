// sluice-controlplane: load the store, feed its generations to data planes, answer the API, stop
// when told to. Nothing is served before the store is loaded.

#include <malloc.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/address.h"
#include "common/base/descriptor_limit.h"
#include "common/base/flag_words.h"
#include "common/base/library_locks.h"
#include "common/base/limits.h"
#include "common/base/standard_descriptors.h"
#include "common/base/version.h"
#include "common/log/event_log.h"
#include "common/log/library_log.h"
#include "common/process/signals.h"
#include "controlplane/fleet/fleet.h"
#include "controlplane/server/discovery_server.h"
#include "controlplane/server/grpc_server.h"
#include "controlplane/server/resource_service.h"
#include "controlplane/snapshot/snapshot_feed.h"
#include "controlplane/store/catalog.h"
#include "controlplane/store/store.h"

namespace sluice::controlplane {
namespace {

// Streams and writes have ended by then; a client that does not read its connection is not waited
// for.
constexpr std::chrono::seconds kStopPatience{1};
// All of it. What hangs then, as a disk may, is left; the store is made for that.
constexpr std::chrono::seconds kStopWithin{10};
constexpr std::chrono::seconds kLookAfterMemory{10};

struct Flags {
  std::string api = "127.0.0.1:7070";
  std::string xds = "127.0.0.1:7071";
  std::string store;
  bool insecure = false;
  std::string log_level = "info";
};

// An address to listen on. Clear text leaves the machine only when that was asked for.
Result<SocketAddress> ListenAddress(const std::string& flag, const std::string& text,
                                    bool insecure) {
  auto address = SocketAddress::Parse(text, /*allow_port_zero=*/true);
  if (!address) return Fail(address.error().code, "`" + flag + "`: " + address.error().message);
  if (address->is_local() || insecure) return address;
  return Fail(
      ErrorCode::kFailedPrecondition,
      "`" + flag + "`: " + text +
          " can be reached from other machines and the connection is not encrypted; use a "
          "loopback address (127.0.0.1, [::1], unix:/path), or `--insecure` if the network is "
          "protected by other means");
}

// Gives memory back to the machine where much of it is free: after thousands of data planes came at
// once, each got everything there is, and the allocator keeps what those answers took.
void ReturnFreeMemory() {
  constexpr std::size_t kWorthwhile = 32U << 20;
  if (::mallinfo2().fordblks > kWorthwhile) ::malloc_trim(0);
}

// Its log goes to standard error, and there is no file of its own that it would read again.
void SayNothingToReload() {
  LogEvent(LogLevel::kInfo, "nothing_to_reload",
           {{"message", "the event log goes to standard error, and resources are in the store"}});
}

Result<void> Run(const Flags& flags) {
  std::promise<void> stop;
  const std::future<void> stopped = stop.get_future();
  const SignalThread signals({.stop =
                                  [&stop] {
                                    stop.set_value();
                                    return kStopWithin;
                                  },
                              .reload = SayNothingToReload,
                              .reopen_logs = SayNothingToReload});
  auto level = ParseLogLevel(flags.log_level);
  if (!level) return Fail(level.error().code, "`--log-level`: " + level.error().message);
  SetLogLevel(*level);
  LogLibraries();
  auto api_address = ListenAddress("--api", flags.api, flags.insecure);
  if (!api_address) return tl::unexpected(api_address.error());
  auto xds_address = ListenAddress("--xds", flags.xds, flags.insecure);
  if (!xds_address) return tl::unexpected(xds_address.error());

  constexpr std::size_t kDescriptorsNeeded = 64;  // The store, gRPC, and a few connections.
  if (auto enough = RaiseDescriptorLimit(kDescriptorsNeeded); !enough) return enough;
  auto store = OpenStore(flags.store);
  if (!store) return Fail(store.error().code, "`--store`: " + store.error().message);
  auto catalog = Catalog::Load(**store);
  if (!catalog) return Fail(catalog.error().code, "`--store`: " + catalog.error().message);

  SnapshotFeed feed(**catalog, **store);
  Fleet fleet(**catalog, feed);
  const auto api = MakeResourceApi(**catalog, fleet);
  auto api_server = GrpcServer::Start(
      {.flag = "--api",
       .address = *api_address,
       .register_services = [&](grpc::ServerBuilder& builder) { api->RegisterOn(builder); }});
  if (!api_server) return tl::unexpected(api_server.error());
  DiscoveryServer discovery(feed, fleet, "sluice-controlplane " + std::string(kVersion));
  auto xds_server = GrpcServer::Start(
      {.flag = "--xds",
       .address = *xds_address,
       .register_services = [&](grpc::ServerBuilder& builder) { discovery.RegisterOn(builder); },
       .connections = limits::kDiscoveryConnections,
       .descriptor_share = 80,
       .calls_end = false});
  if (!xds_server) return tl::unexpected(xds_server.error());

  const auto state = (*catalog)->Current();
  LogEvent(LogLevel::kInfo, "ready",
           {{"api", (*api_server)->address().Text()},
            {"xds", (*xds_server)->address().Text()},
            {"version", kVersion},
            {"generation", state->generation},
            {"objects", state->resources.size()}});

  while (stopped.wait_for(kLookAfterMemory) != std::future_status::ready) ReturnFreeMemory();
  // A second signal ends the process where it stands; the store is made for that.
  LogEvent(LogLevel::kInfo, "stopping");
  api->Stop();
  discovery.Shutdown();
  (*api_server)->Stop(kStopPatience);
  (*xds_server)->Stop(kStopPatience);
  LogEvent(LogLevel::kInfo, "stopped");
  return {};
}

}  // namespace
}  // namespace sluice::controlplane

int main(int argc, char** argv) {
  sluice::HoldSignals();
  sluice::FillStandardDescriptors();
  sluice::StopLibraryLockChecks();
  sluice::controlplane::Flags flags;
  CLI::App app("The control plane of sluice: holds resources and streams them to data planes.",
               "sluice-controlplane");
  app.footer(
      "SIGTERM, SIGINT and SIGQUIT stop it in order, a second one at once; SIGHUP and SIGUSR1 find "
      "nothing to reload. docs/operations.md has the table.");
  app.set_version_flag("--version", "sluice-controlplane " + std::string(sluice::kVersion));
  app.add_option("--api", flags.api,
                 "Address of the API: IP:PORT or unix:/PATH; port 0 takes a free one")
      ->capture_default_str();
  app.add_option("--xds", flags.xds, "Address that data planes connect to, written like --api")
      ->capture_default_str();
  app.add_option("--store", flags.store,
                 "Where resources last: sqlite:PATH, which control planes of one machine may share")
      ->required();
  app.add_flag("--insecure", flags.insecure,
               "Serve without encryption on addresses that other machines can reach");
  app.add_option("--log-level", flags.log_level, "debug, info, warning or error")
      ->capture_default_str();
  const auto mistake = [](const std::string& message) {
    std::fprintf(stderr, "sluice-controlplane: %s\nRun with --help for more information.\n",
                 message.c_str());
    return 2;
  };
  constexpr std::string_view kSwitches[] = {"--insecure"};
  auto words = sluice::FlagWords({argv + 1, argv + std::max(argc, 1)}, kSwitches);
  if (!words) return mistake(words.error().message);
  std::reverse(words->begin(), words->end());  // As the library takes them.
  try {
    app.parse(std::move(*words));
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return mistake(error.what());
  }

  const auto ran = sluice::controlplane::Run(flags);
  sluice::FlushEventLog();
  if (!ran) {
    std::fprintf(stderr, "sluice-controlplane: %s\n", ran.error().message.c_str());
    return 1;
  }
  return 0;
}
