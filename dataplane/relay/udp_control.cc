#include "dataplane/relay/udp_control.h"

#include <netinet/udp.h>

#include <cstring>

namespace sluice::dataplane {
namespace {

template <typename T>
T Payload(const cmsghdr* header) {
  T value;
  std::memcpy(&value, CMSG_DATA(header), sizeof(value));
  return value;
}

template <typename T>
void Append(msghdr& message, int level, int type, const T& value) {
  auto* header =
      reinterpret_cast<cmsghdr*>(static_cast<char*>(message.msg_control) + message.msg_controllen);
  std::memset(header, 0, CMSG_SPACE(sizeof(T)));
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof(T));
  std::memcpy(CMSG_DATA(header), &value, sizeof(T));
  message.msg_controllen += CMSG_SPACE(sizeof(T));
}

}  // namespace

UdpControl ParseUdpControl(msghdr& message) {
  UdpControl control;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_UDP && header->cmsg_type == UDP_GRO) {
      control.segment = static_cast<std::uint16_t>(Payload<int>(header));
    } else if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SO_RXQ_OVFL) {
      control.kernel_drops = Payload<std::uint32_t>(header);
    } else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
      const auto info = Payload<in_pktinfo>(header);
      // The interface's own address when the datagram was broadcast; absent when packet info was
      // not asked for yet while it was queued.
      const in_addr& local = info.ipi_spec_dst.s_addr != 0 ? info.ipi_spec_dst : info.ipi_addr;
      std::memcpy(control.local.emplace().data(), &local, sizeof(local));
    } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
      const auto info = Payload<in6_pktinfo>(header);
      std::memcpy(control.local.emplace().data(), &info.ipi6_addr, 16);
    }
  }
  return control;
}

void AppendUdpSource(msghdr& message, const UdpFlowKey& key) {
  if (key.family == AF_INET) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, key.local.data(), 4);
    Append(message, IPPROTO_IP, IP_PKTINFO, info);
  } else {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, key.local.data(), 16);
    info.ipi6_ifindex = key.scope;
    Append(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
}

void AppendUdpSegment(msghdr& message, std::uint16_t segment) {
  Append(message, SOL_UDP, UDP_SEGMENT, segment);
}

void RemoveUdpSegment(msghdr& message) {
  message.msg_controllen -= CMSG_SPACE(sizeof(std::uint16_t));
}

}  // namespace sluice::dataplane
