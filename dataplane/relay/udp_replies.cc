#include "dataplane/relay/udp_replies.h"

#include <algorithm>
#include <cerrno>
#include <span>

namespace sluice::dataplane {

UdpReplies::UdpReplies(EventLoop& loop) : loop_(loop) {
  messages_.PrepareToReceive(0, limits::kUdpBatch, false);
  loop_.AddRoundEndHook(*this);
}

UdpReplies::~UdpReplies() { loop_.RemoveRoundEndHook(*this); }

UdpReplies::Received UdpReplies::Receive(int endpoint_fd, UdpReplyTarget& target) {
  if (limits::kUdpBatch - count_ < kPerReceive) Flush();
  const std::span<mmsghdr> free = messages_.headers().subspan(count_, kPerReceive);
  int got;
  do {
    got = ::recvmmsg(endpoint_fd, free.data(), kPerReceive, MSG_DONTWAIT, nullptr);
  } while (got < 0 && errno == EINTR);
  Received received;
  if (got < 0) {
    if (errno != EAGAIN) received.error = errno;
    return received;
  }
  received.messages = static_cast<std::uint32_t>(got);
  received.more = received.messages == kPerReceive;
  for (int i = 0; i < got; ++i, ++count_) {
    msghdr& message = messages_.header(count_);
    const std::uint16_t segment = ParseUdpControl(message).segment;
    messages_.PrepareToSend(count_, target.key_.ToSockaddr(messages_.peer(count_)));
    if (target.key_.has_local()) AppendUdpSource(message, target.key_);
    const std::size_t size = messages_.bytes(count_).size();
    const std::uint32_t datagrams = UdpDatagrams(size, segment);
    segments_[count_] = datagrams > 1 ? segment : std::uint16_t{0};
    if (datagrams > 1) AppendUdpSegment(message, segment);
    queued_[count_] = {&target, datagrams};
    received.datagrams += datagrams;
    received.bytes += size;
  }
  return received;
}

void UdpReplies::Flush() {
  if (count_ == 0) return;
  std::array<UdpSendOutcome, limits::kUdpBatch> outcomes;
  for (std::size_t first = 0; first < count_;) {
    const int fd = queued_[first].target->listen_fd_;
    std::size_t size = 1;
    while (first + size < count_ && queued_[first + size].target->listen_fd_ == fd) ++size;
    first += SendUdp(fd, messages_.headers().subspan(first, size),
                     std::span(segments_).subspan(first, size),
                     std::span(outcomes).subspan(first, size));
  }
  for (std::size_t i = 0; i < count_; ++i) {
    queued_[i].target->OnRepliesSent(messages_.bytes(i).size(), queued_[i].datagrams, outcomes[i]);
  }
  messages_.PrepareToReceive(0, count_, false);
  count_ = 0;
}

}  // namespace sluice::dataplane
