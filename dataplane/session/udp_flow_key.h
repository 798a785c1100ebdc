// What makes two datagrams of one flow: the client's address, and on a wildcard listener also the
// local address it sent to. A flat value that compares and hashes as five words; unused bytes are
// zero. Immutable.
#pragma once

#include <netinet/in.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "common/base/address.h"

namespace sluice::dataplane {

struct UdpFlowKey {
  std::uint16_t family = 0;  // AF_INET or AF_INET6, of both addresses.
  std::uint16_t port = 0;    // The client's, in network order.
  std::uint32_t scope = 0;   // Interface of a link-local client.
  std::array<unsigned char, 16> client{};
  std::array<unsigned char, 16> local{};  // Zero unless the listener's address is a wildcard.

  bool has_local() const { return local != std::array<unsigned char, 16>{}; }

  // From the kernel: `peer` is a sockaddr_in or a sockaddr_in6. `local` is not set.
  static UdpFlowKey OfClient(const sockaddr_in6& peer) {
    UdpFlowKey key;
    key.family = peer.sin6_family;
    key.port = peer.sin6_port;  // At the same place in both.
    if (peer.sin6_family == AF_INET6) {
      std::memcpy(key.client.data(), &peer.sin6_addr, 16);
      key.scope = peer.sin6_scope_id;
    } else {
      std::memcpy(key.client.data(), &reinterpret_cast<const sockaddr_in&>(peer).sin_addr, 4);
    }
    return key;
  }

  // The client's address for sendmsg; returns its length.
  socklen_t ToSockaddr(sockaddr_in6& peer) const {
    std::memset(&peer, 0, sizeof(peer));
    peer.sin6_family = family;
    peer.sin6_port = port;
    if (family == AF_INET6) {
      std::memcpy(&peer.sin6_addr, client.data(), 16);
      peer.sin6_scope_id = scope;
      return sizeof(sockaddr_in6);
    }
    std::memcpy(&reinterpret_cast<sockaddr_in&>(peer).sin_addr, client.data(), 4);
    return sizeof(sockaddr_in);
  }

  SocketAddress Client() const {
    sockaddr_in6 peer;
    const socklen_t length = ToSockaddr(peer);
    return SocketAddress::FromSockaddr(reinterpret_cast<const sockaddr*>(&peer), length);
  }

  // The local address with a port (host order); only if has_local().
  SocketAddress Local(std::uint16_t local_port) const {
    UdpFlowKey as_client = *this;
    as_client.client = local;
    return as_client.Client().WithPort(local_port);
  }

  friend bool operator==(const UdpFlowKey& a, const UdpFlowKey& b) {
    return a.Words() == b.Words();
  }
  template <typename H>
  friend H AbslHashValue(H state, const UdpFlowKey& key) {
    const auto words = key.Words();
    return H::combine(std::move(state), words[0], words[1], words[2], words[3], words[4]);
  }

 private:
  std::array<std::uint64_t, 5> Words() const {
    std::array<std::uint64_t, 5> words;
    std::memcpy(words.data(), this, sizeof(words));
    return words;
  }
};
static_assert(sizeof(UdpFlowKey) == 40);

}  // namespace sluice::dataplane
