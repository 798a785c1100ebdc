#include "dataplane/relay/udp_send.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#include "common/base/limits.h"
#include "dataplane/relay/udp_control.h"

namespace sluice::dataplane {
namespace {

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

}  // namespace

bool IsUdpRefusal(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH ||
         error == ENOPROTOOPT || error == EHOSTDOWN || error == EPROTO;
}

std::size_t SendUdp(int fd, std::span<mmsghdr> messages, std::span<const std::uint16_t> segments,
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

}  // namespace sluice::dataplane
