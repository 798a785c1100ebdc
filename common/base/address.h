// Socket addresses and CIDR blocks as values. Immutable, no I/O, no name lookup.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace sluice {

// An IPv4, IPv6 or unix-domain address in one flat value.
// IPv4-mapped IPv6 addresses are kept as they are; see Unmapped().
class SocketAddress {
 public:
  // The IPv4 wildcard with port 0.
  SocketAddress();

  // `192.0.2.1:53`, `[2001:db8::1]:53`, `unix:/absolute/path`. No names, no zone ids, no leading
  // zeros, port 1-65535 (0 only with allow_port_zero). The error says what is allowed and what it
  // got.
  static Result<SocketAddress> Parse(std::string_view text, bool allow_port_zero = false);
  // From the kernel. A unix address without a path (an unbound peer) prints as "unix:".
  static SocketAddress FromSockaddr(const sockaddr* address, socklen_t length);

  sa_family_t family() const { return family_; }
  bool is_unix() const { return family_ == AF_UNIX; }
  // Host byte order; 0 for unix.
  std::uint16_t port() const { return port_; }
  SocketAddress WithPort(std::uint16_t port) const;
  // 4 or 16 bytes in network order; empty for unix.
  std::string_view ip_bytes() const;
  // ::ffff:a.b.c.d becomes a.b.c.d; everything else is returned unchanged.
  SocketAddress Unmapped() const;
  bool is_wildcard() const;
  // Nobody outside this machine can reach it or listen in: loopback or a unix socket.
  bool is_local() const;

  // Fills `storage` and returns the length for bind, connect and sendto.
  socklen_t ToSockaddr(sockaddr_storage& storage) const;

  // The address alone (`192.0.2.1`, `2001:db8::1` as RFC 5952, `unix:` or `unix:/path`).
  std::string IpText() const;
  // With port, as Parse reads it.
  std::string Text() const;

  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
  friend std::strong_ordering operator<=>(const SocketAddress&, const SocketAddress&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const SocketAddress& a) {
    return H::combine(std::move(state), a.family_, a.port_, a.ip_, a.path_.view());
  }

 private:
  // A path if there is one, so that an address without one is small: sessions hold several.
  class UnixPath {
   public:
    UnixPath() = default;
    explicit UnixPath(std::string_view text)
        : text_(text.empty() ? nullptr : std::make_unique<const std::string>(text)) {}
    UnixPath(const UnixPath& other) : UnixPath(other.view()) {}
    UnixPath(UnixPath&&) = default;
    UnixPath& operator=(const UnixPath& other) { return *this = UnixPath(other); }
    UnixPath& operator=(UnixPath&&) = default;

    std::string_view view() const { return text_ ? std::string_view(*text_) : std::string_view(); }
    friend bool operator==(const UnixPath& a, const UnixPath& b) { return a.view() == b.view(); }
    friend std::strong_ordering operator<=>(const UnixPath& a, const UnixPath& b) {
      return a.view() <=> b.view();
    }

   private:
    std::unique_ptr<const std::string> text_;
  };

  sa_family_t family_;
  std::uint16_t port_ = 0;
  std::array<unsigned char, 16> ip_{};  // The first 4 for IPv4.
  UnixPath path_;                       // Unix only.
};

// An address block, or every unix client (`unix:`).
class Cidr {
 public:
  // `10.0.0.0/8`, `2001:db8::/32`, a single address, `unix:`. Bits beyond the prefix must be zero;
  // the error names the block that was probably meant.
  static Result<Cidr> Parse(std::string_view text);

  // An IPv4-mapped client address matches IPv4 blocks (as in nginx).
  bool Contains(const SocketAddress& address) const;
  std::string Text() const;

  sa_family_t family() const { return family_; }
  // Leading bits that count. 0 for unix.
  unsigned prefix() const { return prefix_; }
  // The first address: 4 or 16 bytes in network order; empty for unix.
  std::string_view ip_bytes() const {
    const std::size_t size = family_ == AF_INET ? 4 : family_ == AF_INET6 ? 16 : 0;
    return {reinterpret_cast<const char*>(ip_.data()), size};
  }

  friend bool operator==(const Cidr&, const Cidr&) = default;

 private:
  sa_family_t family_ = AF_INET;
  std::uint8_t prefix_ = 0;
  std::array<unsigned char, 16> ip_{};
};

}  // namespace sluice
