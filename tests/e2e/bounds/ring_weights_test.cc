// Weights in a small manifest ask for rings of gigabytes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "tests/support/neighbour.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tag_server.h"

namespace sluice::test {
namespace {

constexpr int kUpstreams = 400;

std::string Manifest(const std::string& address, const std::string& endpoint) {
  return fmt::format(R"(apiVersion: sluice.dev/v1
kind: Upstream
metadata: {{name: web}}
spec: {{endpoints: [{{address: "{}"}}]}}
---
apiVersion: sluice.dev/v1
kind: Listener
metadata: {{name: front}}
spec: {{address: "{}", routes: [{{proxy: {{upstream: web}}}}]}}
)",
                     endpoint, address);
}

// 400 upstreams of three endpoints each, and a listener that names them all: below 60 KiB.
std::string HugeRings(const std::string& address) {
  std::string text;
  for (int i = 0; i < kUpstreams; ++i) {
    text += fmt::format(
        "---\n{{apiVersion: sluice.dev/v1, kind: Upstream, metadata: {{name: u{}}}, spec: "
        "{{balance: {{policy: RING_HASH, hash: {{key: $remote_addr}}}}, endpoints: ["
        "{{address: \"127.1.0.1:1\", weight: 65535}}, {{address: \"127.1.0.2:1\", weight: "
        "65535}}, {{address: \"127.1.0.3:1\", weight: 65535}}]}}}}\n",
        i);
  }
  text += fmt::format(
      "---\n{{apiVersion: sluice.dev/v1, kind: Listener, metadata: {{name: rings}}, spec: "
      "{{address: \"{}\", routes: [",
      address);
  for (int i = 0; i < kUpstreams; ++i) {
    if (i % 32 == 0) {
      text += fmt::format("{}{{match: {{sources: [\"10.{}.0.0/16\"]}}, proxy: {{split: [",
                          i == 0 ? "" : "]}}, ", i / 32);
    }
    text += fmt::format("{}{{upstream: u{}, weight: 1}}", i % 32 == 0 ? "" : ", ", i);
  }
  return text + "]}}]}}\n";
}

// 33 MiB are the rings, as much they take while they are made, and what sessions meanwhile leave;
// AddressSanitizer keeps 256 MiB of what has been freed.
constexpr std::size_t kAllowed = (33 + 33 + 64 + 256) * (std::size_t{1} << 20);

TEST(RingWeights, AManifestOfHugeWeightsTakesLittleMemoryAndTheNeighbourGoesOn) {
  const TagServer server('n');
  const PortLease front;
  const PortLease rings;
  ControlPlane control_plane;
  DataPlane data_plane({.control_plane = control_plane.xds()});
  ApplyAndWait(control_plane.api(), Manifest(front.Address(), server.address()));
  ASSERT_EQ(TagAt(front.Address()), 'n');
  const std::size_t before = ResidentBytes(data_plane.process().pid());

  Neighbour neighbour(front.Address(), 'n');
  const auto start = std::chrono::steady_clock::now();
  ApplyAndWait(control_plane.api(), HugeRings(rings.Address()));
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  const NeighbourFigures figures = neighbour.Stop("400 rings of huge weights");
  EXPECT_GT(figures.sessions, 0U);
  EXPECT_EQ(figures.failed, 0U);

  const std::size_t after = ResidentBytes(data_plane.process().pid());
  std::printf("400 rings of huge weights: in force after %lld ms, %zu MiB more\n",
              static_cast<long long>(took.count()), (after - before) >> 20);
  // Unbounded they would be 4,800 MiB.
  EXPECT_LT(after - before, kAllowed);

  // And so do its restarts.
  data_plane.Kill();
  data_plane.Start();
  EXPECT_TRUE(Eventually([&] { return data_plane.Ready() && TagAt(front.Address()) == 'n'; }));
  EXPECT_LT(ResidentBytes(data_plane.process().pid()), before + kAllowed);
}

}  // namespace
}  // namespace sluice::test
