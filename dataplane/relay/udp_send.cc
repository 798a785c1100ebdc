#include "dataplane/relay/udp_send.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "dataplane/relay/udp_control.h"

namespace sluice::dataplane {
namespace {

// A larger datagram's pieces might not fit a network whose MTU is 1,500, or somewhat less.
constexpr std::size_t kJoinBytes = 1'400;
constexpr std::size_t kJoinDatagrams = 64;  // UDP_MAX_SEGMENTS of Linux up to 6.8.

int SendSome(int fd, std::span<mmsghdr> messages) {
  int sent;
  do {
    sent = ::sendmmsg(fd, messages.data(), static_cast<unsigned>(messages.size()),
                      MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

// The datagrams of `whole` one by one. All errors but a refusal concern one datagram alone.
UdpSendOutcome SendSplit(int fd, const msghdr& whole, std::uint16_t segment) {
  std::array<mmsghdr, limits::kUdpBatch> messages;
  std::array<iovec, limits::kUdpBatch> buffers;
  auto* next = static_cast<char*>(whole.msg_iov->iov_base);
  std::size_t left = whole.msg_iov->iov_len;
  UdpSendOutcome outcome;
  while (left > 0) {
    std::size_t count = 0;
    for (; left > 0 && count < messages.size(); ++count) {
      const std::size_t size = std::min<std::size_t>(left, segment);
      buffers[count] = {next, size};
      messages[count].msg_hdr = whole;
      RemoveUdpSegment(messages[count].msg_hdr);
      messages[count].msg_hdr.msg_iov = &buffers[count];
      next += size;
      left -= size;
    }
    for (std::size_t done = 0; done < count;) {
      const int sent = SendSome(fd, std::span(messages).subspan(done, count - done));
      if (sent > 0) {
        done += static_cast<std::size_t>(sent);
        outcome.datagrams += static_cast<std::uint32_t>(sent);
        continue;
      }
      outcome.error = errno;
      if (IsUdpRefusal(outcome.error)) return outcome;
      ++done;
    }
  }
  return outcome;
}

// One by one, as they are: what SendUdp() does when nothing can be joined.
std::size_t SendApart(int fd, std::span<mmsghdr> messages, std::span<const std::uint16_t> segments,
                      std::span<UdpSendOutcome> outcomes) {
  std::size_t done = 0;
  while (done < messages.size()) {
    const int sent = SendSome(fd, messages.subspan(done));
    for (int i = 0; i < sent; ++i, ++done) {
      outcomes[done] = {0, UdpDatagrams(messages[done].msg_hdr.msg_iov->iov_len, segments[done])};
    }
    if (sent > 0) continue;
    const int error = errno;
    const msghdr& refused = messages[done].msg_hdr;
    if (segments[done] != 0 && (error == EINVAL || error == EIO || error == EMSGSIZE)) {
      outcomes[done] = SendSplit(fd, refused, segments[done]);
    } else {
      outcomes[done] = {error, 0};
    }
    ++done;
    if (IsUdpRefusal(outcomes[done - 1].error)) break;
  }
  return done;
}

bool SameBytes(const void* a, std::size_t a_size, const void* b, std::size_t b_size) {
  return a_size == b_size && (a_size == 0 || std::memcmp(a, b, a_size) == 0);
}

// To one peer, from one address.
bool SameWay(const msghdr& a, const msghdr& b) {
  return SameBytes(a.msg_name, a.msg_namelen, b.msg_name, b.msg_namelen) &&
         SameBytes(a.msg_control, a.msg_controllen, b.msg_control, b.msg_controllen);
}

// Messages as the kernel is given them: neighbours that are single datagrams of one size (the last
// may be smaller) and go the same way are one message that the kernel cuts up late, so that they
// travel through the stack once.
class JoinedMessages {
 public:
  JoinedMessages(std::span<mmsghdr> messages, std::span<const std::uint16_t> segments) {
    SLUICE_CHECK(messages.size() <= limits::kUdpBatch);
    for (std::size_t first = 0; first < messages.size();) {
      const std::size_t count = Joinable(messages.subspan(first), segments.subspan(first));
      mmsghdr& header = headers_[size_];
      header = messages[first];
      if (count > 1) {
        msghdr& joined = header.msg_hdr;
        for (std::size_t i = 0; i < count; ++i) {
          buffers_[first + i] = *messages[first + i].msg_hdr.msg_iov;
        }
        joined.msg_iov = &buffers_[first];
        joined.msg_iovlen = count;
        AppendUdpSegment(joined, static_cast<std::uint16_t>(buffers_[first].iov_len));
      }
      members_[size_++] = static_cast<std::uint8_t>(count);
      first += count;
    }
  }

  std::size_t size() const { return size_; }
  std::span<mmsghdr> From(std::size_t first) {
    return std::span(headers_).subspan(first, size_ - first);
  }
  std::size_t members(std::size_t i) const { return members_[i]; }

 private:
  // How many from the first on are one message.
  static std::size_t Joinable(std::span<const mmsghdr> messages,
                              std::span<const std::uint16_t> segments) {
    const msghdr& first = messages[0].msg_hdr;
    const std::size_t piece = first.msg_iov->iov_len;
    if (segments[0] != 0 || piece == 0 || piece > kJoinBytes) return 1;
    const std::size_t most =
        std::min({messages.size(), kJoinDatagrams, std::size_t{limits::kUdpDatagramBytes / piece}});
    std::size_t count = 1;
    while (count < most) {
      const msghdr& next = messages[count].msg_hdr;
      const std::size_t size = next.msg_iov->iov_len;
      if (segments[count] != 0 || size == 0 || size > piece || !SameWay(first, next)) break;
      ++count;
      if (size < piece) break;
    }
    return count;
  }

  // Not initialised: only as much is used as there are messages.
  std::array<mmsghdr, limits::kUdpBatch> headers_;
  std::array<iovec, limits::kUdpBatch> buffers_;
  std::array<std::uint8_t, limits::kUdpBatch> members_;
  std::size_t size_ = 0;
};

}  // namespace

bool IsUdpRefusal(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
         error == ENOPROTOOPT || error == EHOSTDOWN || error == EPROTO;
}

std::size_t SendUdp(int fd, std::span<mmsghdr> messages, std::span<const std::uint16_t> segments,
                    std::span<UdpSendOutcome> outcomes) {
  JoinedMessages joined(messages, segments);
  std::size_t done = 0;
  for (std::size_t next = 0; next < joined.size();) {
    const int sent = SendSome(fd, joined.From(next));
    for (int i = 0; i < sent; ++i, ++next) {
      for (const std::size_t end = done + joined.members(next); done < end; ++done) {
        outcomes[done] = {0, UdpDatagrams(messages[done].msg_hdr.msg_iov->iov_len, segments[done])};
      }
    }
    if (sent > 0) continue;
    // A refusal is told once, and is about an earlier datagram: none of these has been sent.
    if (IsUdpRefusal(errno)) {
      outcomes[done] = {errno, 0};
      return done + 1;
    }
    const std::size_t count = joined.members(next++);
    const std::size_t dealt = SendApart(fd, messages.subspan(done, count),
                                        segments.subspan(done, count), outcomes.subspan(done));
    done += dealt;
    if (dealt < count || IsUdpRefusal(outcomes[done - 1].error)) return done;
  }
  return done;
}

}  // namespace sluice::dataplane
