#include "tests/support/socket_peer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "tests/support/eventually.h"

namespace sluice::dataplane::test {
namespace {

bool WaitFor(int fd, short events) {
  pollfd waited{fd, events, 0};
  const auto patience =
      std::chrono::duration_cast<std::chrono::milliseconds>(sluice::test::kPatience);
  return ::poll(&waited, 1, static_cast<int>(patience.count())) == 1;
}

SocketAddress LocalOf(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length), 0);
  return SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&storage), length);
}

}  // namespace

SocketPeer::SocketPeer(UniqueFd fd) : fd_(std::move(fd)) {}

SocketPeer::SocketPeer(const SocketAddress& address) {
  *this = TryConnect(address);
  EXPECT_TRUE(connected()) << address.Text() << ": " << std::strerror(errno);
}

SocketPeer SocketPeer::TryConnect(const SocketAddress& address) {
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_TRUE(fd) << std::strerror(errno);
  const int one = 1;
  if (!address.is_unix()) ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  sockaddr_storage storage;
  const socklen_t length = address.ToSockaddr(storage);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), length) != 0) fd.reset();
  return SocketPeer(std::move(fd));
}

void SocketPeer::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!WaitFor(fd_.get(), POLLOUT)) {
      ADD_FAILURE() << "the other side takes no more";
      return;
    }
    const std::size_t sent = SendSome(bytes);
    if (sent == 0 && errno != EAGAIN) {
      ADD_FAILURE() << "send: " << std::strerror(errno);
      return;
    }
    bytes.remove_prefix(sent);
  }
}

std::size_t SocketPeer::SendSome(std::string_view bytes) {
  const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return n < 0 ? 0 : static_cast<std::size_t>(n);
}

std::string SocketPeer::Receive(std::size_t size) {
  std::string got(size, '\0');
  std::size_t have = 0;
  while (have < size && WaitFor(fd_.get(), POLLIN)) {
    const ssize_t n = ::recv(fd_.get(), got.data() + have, size - have, 0);
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  got.resize(have);
  return got;
}

std::string SocketPeer::ReceiveAll(Ending* ending) {
  std::string got;
  std::string block(256 * 1024, '\0');
  Ending how = Ending::kNotYet;
  while (WaitFor(fd_.get(), POLLIN)) {
    const ssize_t n = ::recv(fd_.get(), block.data(), block.size(), 0);
    if (n > 0) {
      got.append(block.data(), static_cast<std::size_t>(n));
      continue;
    }
    how = n == 0 ? Ending::kFinished : Ending::kReset;
    break;
  }
  EXPECT_NE(how, Ending::kNotYet) << "no end came";
  if (ending != nullptr) *ending = how;
  return got;
}

Ending SocketPeer::WaitForEnd() {
  Ending ending = Ending::kNotYet;
  EXPECT_EQ(ReceiveAll(&ending), "");
  return ending;
}

void SocketPeer::FinishSending() { EXPECT_EQ(::shutdown(fd_.get(), SHUT_WR), 0); }

void SocketPeer::Reset() {
  const linger reset{1, 0};
  EXPECT_EQ(::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
  fd_.reset();
}

void SocketPeer::ShrinkReceiveBuffer(int bytes) {
  EXPECT_EQ(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
}

SocketAddress SocketPeer::local() const { return LocalOf(fd_.get()); }

PeerListener::PeerListener() : PeerListener(Address("127.0.0.1:0")) {}

PeerListener::PeerListener(const SocketAddress& address, int backlog)
    : fd_(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int one = 1;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_storage storage;
  const socklen_t length = address.ToSockaddr(storage);
  EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&storage), length), 0)
      << address.Text() << ": " << std::strerror(errno);
  EXPECT_EQ(::listen(fd_.get(), backlog), 0);
  address_ = address.is_unix() ? address : LocalOf(fd_.get());
}

SocketPeer PeerListener::Accept() {
  if (!WaitFor(fd_.get(), POLLIN)) {
    ADD_FAILURE() << "nobody connects to " << address_.Text();
    return SocketPeer();
  }
  // Where a test leaves this process few descriptors, the proxy may hold the last one for a moment,
  // while it looks whether a session would find any.
  UniqueFd accepted;
  EXPECT_TRUE(sluice::test::Eventually([&] {
    accepted.reset(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return accepted || errno != EMFILE;
  })) << "no descriptor becomes free";
  EXPECT_TRUE(accepted) << "accept: " << std::strerror(errno);
  return SocketPeer(std::move(accepted));
}

bool PeerListener::HasWaiting() const {
  pollfd waited{fd_.get(), POLLIN, 0};
  return ::poll(&waited, 1, 0) == 1;
}

}  // namespace sluice::dataplane::test
