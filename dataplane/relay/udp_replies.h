// Replies on their way from endpoints to clients. What all flows of a worker receive in one round
// is gathered here and sent at the end of the round, with one system call a listening socket where
// possible; nothing is copied between the two. Worker thread only. Knows nothing of sessions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/base/limits.h"
#include "dataplane/loop/event_loop.h"
#include "dataplane/relay/udp_messages.h"
#include "dataplane/relay/udp_send.h"
#include "dataplane/session/udp_flow_key.h"

namespace sluice::dataplane {

// Where a flow's replies go. Must outlive the round in which it received some.
class UdpReplyTarget {
 public:
  UdpReplyTarget(int listen_fd, const UdpFlowKey& key) : listen_fd_(listen_fd), key_(key) {}
  const UdpFlowKey& key() const { return key_; }
  // What became of one message of replies, `bytes` in all. Must not receive more.
  virtual void OnRepliesSent(std::size_t bytes, std::uint32_t datagrams,
                             const UdpSendOutcome& outcome) = 0;

 protected:
  ~UdpReplyTarget() = default;

 private:
  friend class UdpReplies;
  const int listen_fd_;
  const UdpFlowKey key_;
};

class UdpReplies final : private RoundEndHook {
 public:
  explicit UdpReplies(EventLoop& loop);
  ~UdpReplies();
  UdpReplies(const UdpReplies&) = delete;
  UdpReplies& operator=(const UdpReplies&) = delete;

  struct Received {
    std::uint32_t messages = 0;   // OnRepliesSent() will be called for each.
    std::uint32_t datagrams = 0;  // In these.
    std::size_t bytes = 0;
    bool more = false;  // There may be more to receive.
    int error = 0;      // Nothing was received because of it; EAGAIN is no error.
  };
  // Takes replies from the connected socket `endpoint_fd`.
  Received Receive(int endpoint_fd, UdpReplyTarget& target);

  // Sends what is there, before the end of the round.
  void Flush();

 private:
  struct Queued {
    UdpReplyTarget* target;
    std::uint32_t datagrams;
  };
  // A flow takes no more than this at a time, so that others come to their turn.
  static constexpr std::size_t kPerReceive = 16;

  void OnRoundEnd() override { Flush(); }

  EventLoop& loop_;
  UdpMessages messages_;
  std::array<Queued, limits::kUdpBatch> queued_;
  std::array<std::uint16_t, limits::kUdpBatch> segments_;
  std::size_t count_ = 0;
};

}  // namespace sluice::dataplane
