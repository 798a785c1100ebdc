#include "tests/support/udp_peer.h"

#include <gtest/gtest.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "tests/support/eventually.h"

namespace sluice::dataplane::test {

UdpPeer::UdpPeer(const std::string& bind) {
  const SocketAddress wanted = Address(bind);
  socket_.reset(::socket(wanted.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int size = 8 << 20;
  ::setsockopt(fd(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
  sockaddr_storage storage;
  socklen_t length = wanted.ToSockaddr(storage);
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  EXPECT_EQ(::bind(fd(), address, length), 0) << std::strerror(errno);
  length = sizeof(storage);
  EXPECT_EQ(::getsockname(fd(), address, &length), 0);
  address_ = SocketAddress::FromSockaddr(address, length);
}

void UdpPeer::Connect(const SocketAddress& to) {
  sockaddr_storage storage;
  const socklen_t length = to.ToSockaddr(storage);
  EXPECT_EQ(::connect(fd(), reinterpret_cast<sockaddr*>(&storage), length), 0);
}

void UdpPeer::SendTo(const SocketAddress& to, std::string_view bytes) {
  sockaddr_storage storage;
  const socklen_t length = to.ToSockaddr(storage);
  const ssize_t sent =
      ::sendto(fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&storage), length);
  EXPECT_EQ(sent, static_cast<ssize_t>(bytes.size())) << std::strerror(errno);
}

void UdpPeer::SendSegmentsTo(const SocketAddress& to, std::string_view bytes,
                             std::uint16_t segment) {
  sockaddr_storage storage;
  msghdr message{};
  message.msg_name = &storage;
  message.msg_namelen = to.ToSockaddr(storage);
  iovec buffer{const_cast<char*>(bytes.data()), bytes.size()};
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(segment))] = {};
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_UDP;
  header->cmsg_type = UDP_SEGMENT;
  header->cmsg_len = CMSG_LEN(sizeof(segment));
  std::memcpy(CMSG_DATA(header), &segment, sizeof(segment));
  EXPECT_EQ(::sendmsg(fd(), &message, 0), static_cast<ssize_t>(bytes.size()))
      << std::strerror(errno);
}

void UdpPeer::ReceiveInPieces() {
  const int on = 1;
  EXPECT_EQ(::setsockopt(fd(), SOL_UDP, UDP_GRO, &on, sizeof(on)), 0);
}

std::optional<UdpPeer::Datagram> UdpPeer::TryReceive() {
  sockaddr_storage storage;
  std::vector<char> bytes(65536);
  iovec buffer{bytes.data(), bytes.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_name = &storage;
  message.msg_namelen = sizeof(storage);
  message.msg_iov = &buffer;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t size = ::recvmsg(fd(), &message, MSG_DONTWAIT);
  if (size < 0) return std::nullopt;
  Datagram datagram{.bytes = std::string(bytes.data(), static_cast<std::size_t>(size)),
                    .from = SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&storage),
                                                        message.msg_namelen)};
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message);
      header != nullptr && header->cmsg_type == UDP_GRO) {
    int segment;
    std::memcpy(&segment, CMSG_DATA(header), sizeof(segment));
    datagram.segment = static_cast<std::uint16_t>(segment);
  }
  return datagram;
}

std::optional<UdpPeer::Datagram> UdpPeer::Receive() {
  const auto until = std::chrono::steady_clock::now() + sluice::test::kPatience;
  while (std::chrono::steady_clock::now() < until) {
    if (auto datagram = TryReceive()) return datagram;
    pollfd poll_fd{fd(), POLLIN, 0};
    ::poll(&poll_fd, 1, 1000);
  }
  return std::nullopt;
}

bool UdpPeer::IsEmpty() { return !TryReceive().has_value(); }

std::string UdpPeer::ReceiveBytes() {
  auto datagram = Receive();
  return datagram ? std::move(datagram->bytes) : "(nothing came)";
}

UdpEcho::UdpEcho(const std::string& bind) : peer_(bind), thread_([this] { Run(); }) {}

UdpEcho::~UdpEcho() {
  stop_ = true;
  thread_.join();
}

void UdpEcho::Run() {
  std::vector<char> bytes(65536);
  sockaddr_storage storage;
  auto* from = reinterpret_cast<sockaddr*>(&storage);
  while (!stop_) {
    pollfd poll_fd{peer_.fd(), POLLIN, 0};
    if (::poll(&poll_fd, 1, 20) <= 0) continue;
    socklen_t length = sizeof(storage);
    ssize_t size;
    while ((size = ::recvfrom(peer_.fd(), bytes.data(), bytes.size(), 0, from, &length)) >= 0) {
      ++received_;
      ::sendto(peer_.fd(), bytes.data(), static_cast<std::size_t>(size), 0, from, length);
      length = sizeof(storage);
    }
  }
}

}  // namespace sluice::dataplane::test
