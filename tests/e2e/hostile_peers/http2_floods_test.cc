// Floods of HTTP/2 frames that cost their sender nothing, at both ports of a control plane.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/hostile_peers/neighbour.h"
#include "tests/support/http2_frames.h"
#include "tests/support/tcp_client.h"

namespace sluice::test {
namespace {

using namespace http2;  // NOLINT: frames are what this file is written in.
using testing::HasSubstr;

constexpr std::size_t kMiB = 1 << 20;
constexpr char kStream[] =
    "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";
constexpr char kGet[] = "/sluice.v1.ResourceService/Get";

// Floods that one connection sends, one after the other.
using Rounds = std::vector<std::string>;

// Made beforehand: an attacker's own work must not be what slows others down here.
Rounds MakeRounds(const std::function<std::string(std::uint32_t)>& flood) {
  Rounds rounds;
  for (std::uint32_t round = 0; round < 2; ++round) rounds.push_back(flood(round));
  return rounds;
}

// Connections of another host that come back when they have been closed, each of which sends
// hello and then all rounds, until the end.
class Flood {
 public:
  Flood(const std::string& address, int connections, const Rounds& rounds) {
    for (int i = 0; i < connections; ++i) {
      attackers_.emplace_back([this, address, &rounds] {
        while (!stop_) {
          TcpClient client(address, "127.0.0.2");
          if (!client.connected() || !client.Send(Hello())) continue;
          for (const std::string& round : rounds) {
            if (stop_ || !client.Send(round)) break;
            ++rounds_;
          }
          while (!stop_ && !client.Receive(1 << 16).empty()) {
          }
          ++connections_;
        }
      });
    }
  }
  ~Flood() {
    stop_ = true;
    for (std::thread& attacker : attackers_) attacker.join();
  }
  std::string Text() const {
    return fmt::format("{} connections, {} floods", connections_.load(), rounds_.load());
  }

 private:
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> rounds_{0};
  std::atomic<std::uint64_t> connections_{0};
  std::vector<std::thread> attackers_;
};

// 1,000 calls, each begun and reset at once.
std::string RapidResets(const char* path, std::uint32_t round) {
  std::string frames;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const std::uint32_t stream = (round * 1000 + i) * 2 + 1;
    frames += Call(stream, path) + Reset(stream);
  }
  return frames;
}

// The headers of a call that do not end: a header of 2 GiB is announced, and comes.
std::string Continuations(std::uint32_t round) {
  std::string frames;
  if (round == 0)
    frames =
        Frame(kHeaders, 0, 1, "\x83\x86" + std::string("\x00\x01x\x7f\x80\xff\xff\xff\x07", 9));
  for (int i = 0; i < 64; ++i) frames += Frame(kContinuation, 0, 1, std::string(16'384, 'x'));
  return frames;
}

class Http2Floods : public testing::Test {
 protected:
  // What the neighbour sees beside `flood` on `address`, and what the control plane takes.
  void Measure(const std::string& name, const std::string& address,
               const std::function<std::string(std::uint32_t)>& flood) {
    const Rounds rounds = MakeRounds(flood);
    const auto quiet = neighbour_.Measure(10);
    const std::size_t before = Memory();
    std::size_t most = 0;
    Neighbour::Figures attacked;
    std::string attack;
    {
      const Flood attackers(address, 2, rounds);
      std::atomic<bool> stop{false};
      std::thread watching([&] {
        while (!stop) most = std::max(most, Memory());
      });
      for (int i = 0; i < 5; ++i) {
        const auto now = neighbour_.Measure(10);
        attacked.change_ms = std::max(attacked.change_ms, now.change_ms);
        attacked.node_ms = std::max(attacked.node_ms, now.node_ms);
      }
      stop = true;
      watching.join();
      attack = attackers.Text();
    }
    const std::size_t taken = (most - std::min(most, before)) / kMiB;
    Report(name, quiet, attacked, fmt::format(", {} MiB more memory ({})", taken, attack));
    EXPECT_LT(taken, 100U);
    EXPECT_TRUE(Eventually([&] {
      return control_plane_.process().Err().find("event=connections_cut") != std::string::npos;
    })) << control_plane_.process().Err();
  }

  std::size_t Memory() { return ResidentBytes(control_plane_.process().pid()); }

  // AddressSanitizer keeps 256 MiB that were freed, which would be all that is seen.
  ControlPlane control_plane_{
      ProcessOptions{.environment = {{"ASAN_OPTIONS", "quarantine_size_mb=1"}}}};
  Neighbour neighbour_{control_plane_};
};

TEST_F(Http2Floods, CallsThatAreResetAtOnceDelayNobody) {
  Measure("rapid resets at --xds", control_plane_.xds(),
          [](std::uint32_t round) { return RapidResets(kStream, round); });
  EXPECT_THAT(control_plane_.process().Err(),
              HasSubstr("last_reason=\"it begins calls and resets them, too many\""));
}

TEST_F(Http2Floods, ApiCallsThatAreResetAtOnceDelayNobody) {
  Measure("rapid resets at --api", control_plane_.api(),
          [](std::uint32_t round) { return RapidResets(kGet, round); });
}

TEST_F(Http2Floods, HeadersWithoutEndDelayNobody) {
  Measure("continuations at --xds", control_plane_.xds(), Continuations);
  EXPECT_THAT(control_plane_.process().Err(),
              HasSubstr("last_reason=\"the headers of a call are too long\""));
}

TEST_F(Http2Floods, CallsWithoutEndDelayNobody) {
  Measure("calls without end at --api", control_plane_.api(), [](std::uint32_t round) {
    std::string frames;
    for (std::uint32_t i = 0; i < 1000; ++i) frames += Call((round * 1000 + i) * 2 + 1, kGet);
    return frames;
  });
}

TEST_F(Http2Floods, FramesThatCarryNothingDelayNobody) {
  Measure("settings at --xds", control_plane_.xds(), [](std::uint32_t) {
    std::string frames;
    for (int i = 0; i < 15'000; ++i) frames += Frame(kSettings, 0, 0);
    return frames;
  });
}

}  // namespace
}  // namespace sluice::test
