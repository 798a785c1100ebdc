#include "common/base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>

#include "common/base/limits.h"
#include "common/base/text_format.h"

namespace sluice {
namespace {

using IpBytes = std::array<unsigned char, 16>;

constexpr std::string_view kUnixPrefix = "unix:";
constexpr std::string_view kAddressSyntax =
    "must be host:port with an IP address as host (192.0.2.1:53, [2001:db8::1]:53) or "
    "unix:/absolute/path";

struct Ip {
  sa_family_t family;
  IpBytes bytes;
};

std::optional<Ip> ParseIpv4(std::string_view text) {
  Ip ip{AF_INET, {}};
  char buffer[INET_ADDRSTRLEN];
  if (text.size() >= sizeof(buffer) || text.find('\0') != text.npos) return std::nullopt;
  *std::copy(text.begin(), text.end(), buffer) = '\0';
  if (inet_pton(AF_INET, buffer, ip.bytes.data()) != 1) return std::nullopt;
  return ip;
}

std::optional<Ip> ParseIpv6(std::string_view text) {
  Ip ip{AF_INET6, {}};
  char buffer[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof(buffer) || text.find('\0') != text.npos) return std::nullopt;
  *std::copy(text.begin(), text.end(), buffer) = '\0';
  if (inet_pton(AF_INET6, buffer, ip.bytes.data()) != 1) return std::nullopt;
  return ip;
}

// Decimal without sign or leading zeros, at most `max`.
std::optional<unsigned> ParseNumber(std::string_view text, unsigned max) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > max) return std::nullopt;
  return value;
}

std::string TextOfIp(sa_family_t family, const IpBytes& bytes) {
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(family, bytes.data(), buffer, sizeof(buffer));
}

bool IsMapped(const IpBytes& bytes) {
  static constexpr unsigned char kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(bytes.data(), kPrefix, sizeof(kPrefix)) == 0;
}

IpBytes LastFour(const IpBytes& bytes) {
  IpBytes out{};
  std::copy(bytes.begin() + 12, bytes.end(), out.begin());
  return out;
}

// `bytes` with all bits after the first `prefix` cleared.
IpBytes Masked(const IpBytes& bytes, unsigned prefix) {
  IpBytes out{};
  for (unsigned i = 0; i < out.size() && prefix > 0; ++i) {
    const unsigned bits = std::min(prefix, 8U);
    out[i] = static_cast<unsigned char>(bytes[i] & (0xff00U >> bits));
    prefix -= bits;
  }
  return out;
}

}  // namespace

SocketAddress::SocketAddress() : family_(AF_INET) {}

Result<SocketAddress> SocketAddress::Parse(std::string_view text, bool allow_port_zero) {
  const auto fail = [&](std::string_view allowed) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{}, got {}", allowed, Quoted(text)));
  };
  SocketAddress address;
  if (text.starts_with(kUnixPrefix)) {
    const std::string_view path = text.substr(kUnixPrefix.size());
    if (!path.starts_with('/') || path.size() < 2 || path.find('\0') != path.npos) {
      return fail(kAddressSyntax);
    }
    if (path.size() > limits::kUnixPathBytes) {
      return fail(
          fmt::format("must have a socket path of at most {} bytes", limits::kUnixPathBytes));
    }
    address.family_ = AF_UNIX;
    address.path_ = UnixPath(path);
    return address;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return fail(kAddressSyntax);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  const std::optional<Ip> ip =
      bracketed ? ParseIpv6(host.substr(1, host.size() - 2)) : ParseIpv4(host);
  if (!ip) return fail(kAddressSyntax);
  const std::optional<unsigned> port = ParseNumber(text.substr(colon + 1), 65535);
  if (!port || (*port == 0 && !allow_port_zero)) {
    return fail(allow_port_zero ? "must have a port of 0-65535" : "must have a port of 1-65535");
  }
  address.family_ = ip->family;
  address.ip_ = ip->bytes;
  address.port_ = static_cast<std::uint16_t>(*port);
  return address;
}

SocketAddress SocketAddress::FromSockaddr(const sockaddr* address, socklen_t length) {
  SocketAddress out;
  if (length < static_cast<socklen_t>(sizeof(sa_family_t))) {
    out.family_ = AF_UNIX;  // What getpeername answers for an unbound unix peer on some kernels.
    return out;
  }
  if (address->sa_family == AF_INET && length >= static_cast<socklen_t>(sizeof(sockaddr_in))) {
    sockaddr_in in;
    std::memcpy(&in, address, sizeof(in));
    out.port_ = ntohs(in.sin_port);
    std::memcpy(out.ip_.data(), &in.sin_addr, 4);
    return out;
  }
  if (address->sa_family == AF_INET6 && length >= static_cast<socklen_t>(sizeof(sockaddr_in6))) {
    sockaddr_in6 in6;
    std::memcpy(&in6, address, sizeof(in6));
    out.family_ = AF_INET6;
    out.port_ = ntohs(in6.sin6_port);
    std::memcpy(out.ip_.data(), &in6.sin6_addr, 16);
    return out;
  }
  out.family_ = AF_UNIX;
  constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);
  if (address->sa_family == AF_UNIX && length > kPathOffset) {
    const char* path = reinterpret_cast<const char*>(address) + kPathOffset;
    out.path_ = UnixPath({path, strnlen(path, length - kPathOffset)});
  }
  return out;
}

SocketAddress SocketAddress::WithPort(std::uint16_t port) const {
  SocketAddress out = *this;
  if (!is_unix()) out.port_ = port;
  return out;
}

std::string_view SocketAddress::ip_bytes() const {
  const std::size_t size = family_ == AF_INET ? 4 : family_ == AF_INET6 ? 16 : 0;
  return {reinterpret_cast<const char*>(ip_.data()), size};
}

SocketAddress SocketAddress::Unmapped() const {
  if (family_ != AF_INET6 || !IsMapped(ip_)) return *this;
  SocketAddress out;
  out.port_ = port_;
  out.ip_ = LastFour(ip_);
  return out;
}

bool SocketAddress::is_wildcard() const { return !is_unix() && ip_ == IpBytes{}; }

socklen_t SocketAddress::ToSockaddr(sockaddr_storage& storage) const {
  std::memset(&storage, 0, sizeof(storage));
  if (family_ == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port_);
    std::memcpy(&in.sin_addr, ip_.data(), 4);
    std::memcpy(&storage, &in, sizeof(in));
    return sizeof(in);
  }
  if (family_ == AF_INET6) {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port_);
    std::memcpy(&in6.sin6_addr, ip_.data(), 16);
    std::memcpy(&storage, &in6, sizeof(in6));
    return sizeof(in6);
  }
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  // Parse() and the kernel both bound the path to sun_path less its NUL.
  const std::string_view path = path_.view();
  if (!path.empty()) {
    std::memcpy(un.sun_path, path.data(), std::min(path.size(), sizeof(un.sun_path) - 1));
  }
  std::memcpy(&storage, &un, sizeof(un));
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                (path.empty() ? 0 : path.size() + 1));
}

bool SocketAddress::is_local() const {
  if (is_unix()) return true;
  const std::string ip = Unmapped().IpText();
  return ip == "::1" || ip.starts_with("127.");
}

std::string SocketAddress::IpText() const {
  if (is_unix()) return std::string(kUnixPrefix).append(path_.view());
  return TextOfIp(family_, ip_);
}

std::string SocketAddress::Text() const {
  switch (family_) {
    case AF_INET:
      return fmt::format("{}:{}", IpText(), port_);
    case AF_INET6:
      return fmt::format("[{}]:{}", IpText(), port_);
    default:
      return IpText();
  }
}

Result<Cidr> Cidr::Parse(std::string_view text) {
  Cidr block;
  if (text == kUnixPrefix) {
    block.family_ = AF_UNIX;
    return block;
  }
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  std::optional<Ip> ip = ParseIpv4(host);
  if (!ip) ip = ParseIpv6(host);
  if (!ip) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("must be an IP address, a block (10.0.0.0/8, 2001:db8::/32) or unix:, got {}",
                    Quoted(text)));
  }
  const unsigned bits = ip->family == AF_INET ? 32 : 128;
  unsigned prefix = bits;
  if (slash != text.npos) {
    const std::optional<unsigned> given = ParseNumber(text.substr(slash + 1), bits);
    if (!given) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("must have a prefix length of 0-{}, got {}", bits, Quoted(text)));
    }
    prefix = *given;
  }
  const IpBytes masked = Masked(ip->bytes, prefix);
  if (masked != ip->bytes) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("must have no bits set beyond its prefix, got {}; did you mean '{}/{}'",
                            Quoted(text), TextOfIp(ip->family, masked), prefix));
  }
  block.family_ = ip->family;
  block.ip_ = masked;
  block.prefix_ = static_cast<std::uint8_t>(prefix);
  // A mapped client counts as IPv4, so a mapped block has to as well, or it would never match.
  if (ip->family == AF_INET6 && prefix >= 96 && IsMapped(masked)) {
    block.family_ = AF_INET;
    block.ip_ = LastFour(masked);
    block.prefix_ = static_cast<std::uint8_t>(prefix - 96);
  }
  return block;
}

bool Cidr::Contains(const SocketAddress& address) const {
  const SocketAddress client = address.Unmapped();
  if (client.family() != family_) return false;
  const std::string_view bytes = client.ip_bytes();
  const unsigned whole = prefix_ / 8U;
  if (std::memcmp(bytes.data(), ip_.data(), whole) != 0) return false;
  const unsigned rest = prefix_ % 8U;
  if (rest == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff00U >> rest);
  return (static_cast<unsigned char>(bytes[whole]) & mask) == ip_[whole];
}

std::string Cidr::Text() const {
  if (family_ == AF_UNIX) return std::string(kUnixPrefix);
  const unsigned bits = family_ == AF_INET ? 32 : 128;
  const std::string ip = TextOfIp(family_, ip_);
  return prefix_ == bits ? ip : fmt::format("{}/{}", ip, prefix_);
}

}  // namespace sluice
