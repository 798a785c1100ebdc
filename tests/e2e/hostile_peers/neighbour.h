// A well-behaved neighbour of an attack: what it waits for, measured.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/api_client.h"
#include "tests/support/sluice_processes.h"
#include "tests/support/tag_server.h"

namespace sluice::test {

inline double Milliseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// Applies through the API and sees each change in force on a data plane.
class Neighbour {
 public:
  explicit Neighbour(const ControlPlane& control_plane)
      : control_plane_(control_plane), api_(control_plane.api()) {}

  struct Figures {
    double change_ms = 0;  // From the apply to the first session of the new form: the worst.
    double node_ms = 0;    // From the start of a data plane to its being ready.
    std::string Text() const {
      return fmt::format(
          "a change in force after {:.0f} ms at worst, a new data plane ready after "
          "{:.0f} ms",
          change_ms, node_ms);
    }
  };

  // Starts a data plane and makes `changes` changes.
  Figures Measure(int changes) {
    Figures figures;
    auto begun = Clock::now();
    data_plane_ = std::make_unique<DataPlane>(DataPlaneOptions{
        .node = fmt::format("node-{}", ++nodes_), .control_plane = control_plane_.xds()});
    EXPECT_GT(api_.Apply(Manifest(a_)), 0) << api_.last_error();
    EXPECT_TRUE(Eventually([&] { return data_plane_->Ready(); }));
    figures.node_ms = Milliseconds(Clock::now() - begun);
    EXPECT_TRUE(Eventually([&] { return TagAt(front_.Address()) == 'a'; }));
    for (int i = 1; i <= changes; ++i) {
      const TagServer& wanted = i % 2 == 1 ? b_ : a_;
      begun = Clock::now();
      EXPECT_GT(api_.Apply(Manifest(wanted)), 0) << api_.last_error();
      EXPECT_TRUE(Eventually([&] { return TagAt(front_.Address()) == (i % 2 == 1 ? 'b' : 'a'); }));
      figures.change_ms = std::max(figures.change_ms, Milliseconds(Clock::now() - begun));
    }
    return figures;
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::string Manifest(const TagServer& endpoint) const {
    return fmt::format(
        "apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {{name: web}}\nspec: {{endpoints: "
        "[{{address: \"{}\"}}]}}\n---\napiVersion: sluice.dev/v1\nkind: Listener\nmetadata: "
        "{{name: front}}\nspec: {{address: \"{}\", routes: [{{proxy: {{upstream: web}}}}]}}\n",
        endpoint.address(), front_.Address());
  }

  const ControlPlane& control_plane_;
  ApiClient api_;
  const TagServer a_{'a'};
  const TagServer b_{'b'};
  const PortLease front_;
  std::unique_ptr<DataPlane> data_plane_;
  int nodes_ = 0;
};

// The figures of an attack beside those of the quiet before it, for whoever reads the test's log.
inline void Report(const std::string& attack, const Neighbour::Figures& quiet,
                   const Neighbour::Figures& attacked, const std::string& more = "") {
  fmt::print("  quiet:    {}\n  {}: {}{}\n", quiet.Text(), attack, attacked.Text(), more);
}

}  // namespace sluice::test
