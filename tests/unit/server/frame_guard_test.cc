// What a connection may send, and what ends it.
#include "controlplane/server/frame_guard.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "tests/support/http2_frames.h"

namespace sluice::controlplane {
namespace {

using namespace test::http2;  // NOLINT: frames are what this file is written in.
using std::chrono::seconds;

constexpr FrameBounds kBounds{.header_block_bytes = 1000,
                              .header_block_frames = 4,
                              .resets = {10, 1},
                              .calls = {100, 10},
                              .idle_frames = {20, 2},
                              .unfinished_calls = 8,
                              .unfinished_call_bytes = 5000};

class FrameGuardTest : public testing::Test {
 protected:
  FrameGuardTest() { Take(Hello()); }

  std::string Take(const std::string& bytes) {
    const auto verdict = guard_.Take(bytes, now_);
    return verdict ? std::string(*verdict) : "";
  }
  // How many of `frames(1)`, `frames(3)`, … are taken, of 1,000.
  template <typename Frames>
  int Taken(const Frames& frames) {
    int taken = 0;
    while (taken < 1000 && Take(frames(next_)).empty()) {
      ++taken;
      next_ += 2;
    }
    return taken;
  }

  std::shared_ptr<FrameBudget> peer_ = std::make_shared<FrameBudget>(kBounds);
  FrameGuard guard_{kBounds, {peer_}};
  MonotonicTime now_{};
  std::uint32_t next_ = 1;
};

TEST_F(FrameGuardTest, TakesCallsThatEnd) {
  for (std::uint32_t stream = 1; stream < 1000; stream += 2, now_ += seconds(1)) {
    EXPECT_EQ(Take(Call(stream, "/a") + Frame(kData, kEndStream, stream, "x")), "");
  }
}

TEST_F(FrameGuardTest, FramesMayComeInPieces) {
  const std::string call = Call(1, "/a") + Frame(kData, 0, 1, "hello") + Reset(1);
  for (int i = 0; i < 10; ++i) {
    for (const char byte : call) ASSERT_EQ(Take({byte}), "");
  }
  EXPECT_EQ(Take(call), "it begins calls and resets them, too many");
}

TEST_F(FrameGuardTest, ResetsAreBoundedAtOnceAndInTime) {
  const auto resets = [](std::uint32_t stream) { return Reset(stream); };
  EXPECT_EQ(Taken(resets), 10);
  now_ += seconds(3);
  EXPECT_EQ(Taken(resets), 3);
  now_ += seconds(100);
  EXPECT_EQ(Taken(resets), 10) << "no more than at once";
}

TEST_F(FrameGuardTest, CallsAreBoundedEvenIfEachEnds) {
  EXPECT_EQ(Taken([](std::uint32_t stream) { return Call(stream, "/a", kEndStream); }), 100);
  EXPECT_EQ(Take(Call(next_, "/a", kEndStream)), "too many calls");
}

TEST_F(FrameGuardTest, UnfinishedCallsAreBounded) {
  EXPECT_EQ(Taken([](std::uint32_t stream) { return Call(stream, "/a"); }), 8);
  EXPECT_EQ(Take(Call(next_, "/a")), "too many calls, or too much of them, are not finished");
  EXPECT_EQ(Take(Reset(1) + Frame(kData, kEndStream, 3)), "");
  EXPECT_EQ(Taken([](std::uint32_t stream) { return Call(stream, "/a"); }), 2);
}

TEST_F(FrameGuardTest, BytesOfUnfinishedCallsAreBounded) {
  const std::string data = Frame(kData, 0, 1, std::string(1000, 'x'));
  EXPECT_EQ(Take(Call(1, "/a") + data + data + data + data + data), "");
  EXPECT_EQ(Take(data), "too many calls, or too much of them, are not finished");
  EXPECT_EQ(Take(Frame(kData, kEndStream, 1, "x") + Call(3, "/a") + Frame(kData, 0, 3, "x")), "");
}

TEST_F(FrameGuardTest, AHeaderBlockIsBoundedInBytes) {
  EXPECT_EQ(Take(Frame(kHeaders, 0, 1, std::string(600, 'x'))), "");
  EXPECT_EQ(Take(Frame(kContinuation, 0, 1, std::string(400, 'x'))), "");
  // Its first bytes are enough.
  EXPECT_EQ(Take(Frame(kContinuation, 0, 1, "x").substr(0, 9)),
            "the headers of a call are too long");
}

TEST_F(FrameGuardTest, AHeaderBlockIsBoundedInFrames) {
  EXPECT_EQ(Take(Frame(kHeaders, 0, 1)), "");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Take(Frame(kContinuation, 0, 1)), "");
  EXPECT_EQ(Take(Frame(kContinuation, 0, 1)), "the headers of a call are too long");
}

TEST_F(FrameGuardTest, FramesThatCarryNothingAreBounded) {
  for (const std::string& frame :
       {Frame(kSettings, 0, 0), Frame(kPing, 0, 0, "12345678"), Frame(kData, 0, 1),
        Frame(kWindowUpdate, 0, 0, "1234"), Frame(kPriority, 0, 1, "12345")}) {
    now_ += seconds(100);
    EXPECT_EQ(Taken([&](std::uint32_t) { return frame; }), 20);
    EXPECT_EQ(Take(frame), "too many frames that carry nothing");
  }
}

TEST_F(FrameGuardTest, AnotherConnectionOfThePeerIsNoWayAround) {
  EXPECT_EQ(Taken([](std::uint32_t stream) { return Reset(stream); }), 10);
  FrameGuard other(kBounds, {peer_});
  EXPECT_EQ(other.Take(Hello() + Call(1, "/a"), now_), std::nullopt);
  EXPECT_NE(other.Take(Reset(1), now_), std::nullopt);
  FrameGuard stranger(kBounds, {std::make_shared<FrameBudget>(kBounds)});
  EXPECT_EQ(stranger.Take(Hello() + Call(1, "/a") + Reset(1), now_), std::nullopt);
}

TEST_F(FrameGuardTest, WhatAConnectionLeavesUnfinishedIsGivenBackWithIt) {
  for (int i = 0; i < 3; ++i) {
    auto other = std::make_unique<FrameGuard>(kBounds, std::vector{peer_});
    std::string calls = Hello();
    for (std::uint32_t stream = 1; stream < 17; stream += 2) calls += Call(stream, "/a");
    EXPECT_EQ(other->Take(calls, now_), std::nullopt) << i;
    EXPECT_NE(guard_.Take(Call(1, "/a"), now_), std::nullopt);
  }
}

}  // namespace
}  // namespace sluice::controlplane
