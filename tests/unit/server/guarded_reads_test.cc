// What recvmsg(2) gives of a connection that is guarded, and of one that is not.
#include "controlplane/server/guarded_reads.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <limits>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/base/unique_fd.h"
#include "tests/support/http2_frames.h"

namespace sluice::controlplane {
namespace {

using namespace test::http2;  // NOLINT: frames are what this file is written in.

constexpr std::size_t kMany = std::numeric_limits<std::size_t>::max();
constexpr FrameBounds kNoResets{.header_block_bytes = kMany,
                                .header_block_frames = kMany,
                                .resets = {0, 0},
                                .calls = {100, 0},
                                .idle_frames = {100, 0},
                                .unfinished_calls = kMany,
                                .unfinished_call_bytes = kMany};

class GuardedReadsTest : public testing::Test {
 protected:
  GuardedReadsTest() {
    int pair[2];
    SLUICE_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    ours_.reset(pair[0]);
    theirs_.reset(pair[1]);
  }
  std::unique_ptr<GuardedReads> Guard() {
    return std::make_unique<GuardedReads>(
        ours_.get(),
        std::make_unique<FrameGuard>(kNoResets, std::vector<std::shared_ptr<FrameBudget>>{}),
        [this](std::string_view why) { attacks_.emplace_back(why); });
  }
  // What is read after they have sent it, in two pieces as gRPC does; "reset" when it was.
  std::string Read(const std::string& sent, int flags = 0) {
    SLUICE_CHECK(::send(theirs_.get(), sent.data(), sent.size(), 0) ==
                 static_cast<ssize_t>(sent.size()));
    std::array<char, 5> first{};
    std::array<char, 1000> second{};
    std::array<iovec, 2> pieces{{{first.data(), first.size()}, {second.data(), second.size()}}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t size = ::recvmsg(ours_.get(), &message, flags);
    if (size < 0) return errno == ECONNRESET ? "reset" : "error";
    std::string all(first.data(), first.size());
    all.append(second.data(), second.size());
    return all.substr(0, static_cast<std::size_t>(size));
  }

  UniqueFd ours_;
  UniqueFd theirs_;
  std::vector<std::string> attacks_;
};

TEST_F(GuardedReadsTest, AreAsTheyWereUntilTheGuardSaysNo) {
  const auto reads = Guard();
  EXPECT_FALSE(reads->seen());
  EXPECT_EQ(Read(Hello()), Hello());
  EXPECT_TRUE(reads->seen());
  const std::string call = Call(1, "/a");
  EXPECT_EQ(Read(call), call);
  EXPECT_EQ(Read(Reset(1)), "reset");
  EXPECT_EQ(Read(call), "reset");
  EXPECT_EQ(attacks_, std::vector<std::string>{"it begins calls and resets them, too many"});
}

TEST_F(GuardedReadsTest, WhatIsOnlyPeekedAtDoesNotCount) {
  const auto reads = Guard();
  EXPECT_EQ(Read(Hello(), MSG_PEEK), Hello());
  EXPECT_FALSE(reads->seen());
}

TEST_F(GuardedReadsTest, NobodyIsGuardedAfterwards) {
  Guard();
  EXPECT_EQ(Read(Hello()), Hello());
  EXPECT_EQ(Read(Reset(1)), Reset(1));
}

TEST_F(GuardedReadsTest, AnotherSocketWithTheNumberIsNotGuarded) {
  const auto reads = Guard();
  EXPECT_FALSE(reads->closed());
  int pair[2];
  SLUICE_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  SLUICE_CHECK(::dup2(pair[0], ours_.get()) == ours_.get());
  ::close(pair[0]);
  theirs_.reset(pair[1]);
  EXPECT_TRUE(reads->closed());
  EXPECT_EQ(Read(Hello() + Reset(1)), Hello() + Reset(1));
}

}  // namespace
}  // namespace sluice::controlplane
