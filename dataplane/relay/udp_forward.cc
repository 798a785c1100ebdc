#include "dataplane/relay/udp_forward.h"

#include <array>
#include <cerrno>

#include "common/base/check.h"
#include "dataplane/relay/udp_control.h"

namespace sluice::dataplane {

std::size_t ForwardUdp(int fd, std::span<const UdpRun> runs, std::span<UdpSendOutcome> outcomes) {
  if (runs.size() == 1 && runs[0].segment == 0) {  // Most often.
    ssize_t sent;
    do {
      sent = ::send(fd, runs[0].data, runs[0].size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    outcomes[0] = sent < 0 ? UdpSendOutcome{errno, 0} : UdpSendOutcome{0, 1};
    return 1;
  }
  SLUICE_CHECK(runs.size() <= limits::kUdpBatch);
  struct Control {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> bytes;
  };
  // Not initialised: only the first runs.size() are used.
  std::array<mmsghdr, limits::kUdpBatch> messages;
  std::array<iovec, limits::kUdpBatch> buffers;
  std::array<Control, limits::kUdpBatch> controls;
  std::array<std::uint16_t, limits::kUdpBatch> segments;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    buffers[i] = {runs[i].data, runs[i].size};
    msghdr& message = messages[i].msg_hdr;
    message = {};
    message.msg_iov = &buffers[i];
    message.msg_iovlen = 1;
    message.msg_control = controls[i].bytes.data();
    segments[i] = runs[i].segment;
    if (runs[i].segment != 0) AppendUdpSegment(message, runs[i].segment);
  }
  return SendUdp(fd, std::span(messages).first(runs.size()), std::span(segments).first(runs.size()),
                 outcomes);
}

}  // namespace sluice::dataplane
