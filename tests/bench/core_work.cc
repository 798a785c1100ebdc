// The parts of a session's way that make no system call, over and over, for callgrind:
//
//   bench_core_work MANIFEST phases|pick COUNT
//
// `phases` runs the phase chain of the manifest's first listener for COUNT sessions of changing
// clients; `pick` picks, as succeeded, and gives back an endpoint of its upstream COUNT times.
// Compiled and run by the product's own code, as one worker would.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>

#include "dataplane/compile/compiler.h"
#include "dataplane/control/static_config.h"
#include "dataplane/log/access_log.h"
#include "dataplane/serve/phase_run.h"

namespace sluice::dataplane {
namespace {

SocketAddress Client(std::uint32_t n) {
  return *SocketAddress::Parse("10." + std::to_string(n / 65536 % 256) + "." +
                               std::to_string(n / 256 % 256) + "." + std::to_string(n % 256) +
                               ":4000");
}

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "bench_core_work: %s\n", why.c_str());
  std::exit(1);
}

void RunPhases(const std::shared_ptr<const ListenerConfig>& listener, std::uint32_t count) {
  std::array<SocketAddress, 16> clients;
  for (std::uint32_t i = 0; i < clients.size(); ++i) clients[i] = Client(i);
  for (std::uint32_t i = 0; i < count; ++i) {
    SessionState session;
    session.listener = listener;
    session.client = clients[i % clients.size()];
    PhaseRun run;
    if (run.Continue(listener->phases, session, {}) != PhaseRun::State::kPassed) {
      Die("a session was refused");
    }
  }
}

void Pick(const UpstreamConfig& upstream, std::uint32_t count) {
  const Balancer& balancer = *upstream.balancer;
  SmoothWeights memory = balancer.NewMemory(nullptr);
  const SocketAddress client = Client(7);
  std::minstd_rand random(1);
  for (std::uint32_t i = 0; i < count; ++i) {
    Tries tries;
    const PickInput input{.client = &client, .key = "10.0.0.7", .now_s = 1, .random = &random};
    const auto picked = balancer.Pick(input, memory, tries);
    if (!picked) Die("no endpoint");
    balancer.Succeeded(*picked);
    balancer.Release(*picked);
  }
}

int Main(int argc, char** argv) {
  if (argc != 4) Die("usage: bench_core_work MANIFEST phases|pick COUNT");
  const auto count = static_cast<std::uint32_t>(std::atoi(argv[3]));
  StaticConfig manifest(argv[1]);
  const auto updates = manifest.Read();
  if (!updates) Die(updates.error().at(0).Text());
  const auto logs = StartAccessLogWriter();
  Compiler compiler({.labels = {}, .workers = 1, .access_log = {logs.get(), "off"}});
  const auto config = compiler.Compile(*updates);
  for (const auto& problem : compiler.Problems()) Die(problem.message());
  const auto& listener = config->listeners->at(0);
  if (std::string(argv[2]) == "phases") {
    RunPhases(listener, count);
  } else {
    Pick(*config->upstreams.at(listener->upstreams.at(0)->slot), count);
  }
  return 0;
}

}  // namespace
}  // namespace sluice::dataplane

int main(int argc, char** argv) { return sluice::dataplane::Main(argc, argv); }
