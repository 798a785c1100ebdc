#include "common/base/bind_probe.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include "common/base/unique_fd.h"
#include "tests/support/temp_dir.h"

namespace sluice {
namespace {

SocketAddress At(const std::string& text) { return *SocketAddress::Parse(text, true); }

// Bound, and listening if it is a stream; at a free port.
UniqueFd Open(int type, SocketAddress& address) {
  UniqueFd fd(::socket(address.family(), type, 0));
  sockaddr_storage storage;
  socklen_t length = address.ToSockaddr(storage);
  auto* raw = reinterpret_cast<sockaddr*>(&storage);
  EXPECT_EQ(::bind(fd.get(), raw, length), 0);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(fd.get(), 1), 0);
  }
  length = sizeof(storage);
  EXPECT_EQ(::getsockname(fd.get(), raw, &length), 0);
  if (!address.is_unix()) address = SocketAddress::FromSockaddr(raw, length);
  return fd;
}

TEST(BindProbe, SeesThatAPortIsTaken) {
  SocketAddress stream = At("127.0.0.1:0");
  SocketAddress datagram = At("[::1]:0");
  {
    const UniqueFd listening = Open(SOCK_STREAM, stream);
    const UniqueFd bound = Open(SOCK_DGRAM, datagram);
    EXPECT_EQ(BindProblem(SocketKind::kStream, stream), EADDRINUSE);
    EXPECT_EQ(BindProblem(SocketKind::kDatagram, datagram), EADDRINUSE);
    EXPECT_EQ(BindProblem(SocketKind::kDatagram, stream), 0) << "the other protocol's port is free";
  }
  EXPECT_EQ(BindProblem(SocketKind::kStream, stream), 0);
  EXPECT_EQ(BindProblem(SocketKind::kDatagram, datagram), 0);
  EXPECT_EQ(BindProblem(SocketKind::kStream, At("192.0.2.1:80")), EADDRNOTAVAIL);
}

TEST(BindProbe, RemovesTheFileOfADeadUnixSocketAndNothingElse) {
  const test::TempDir dir;
  SocketAddress address = At("unix:" + dir.File("sock"));
  struct stat status;
  {
    const UniqueFd listening = Open(SOCK_STREAM, address);
    EXPECT_EQ(BindProblem(SocketKind::kStream, address), EADDRINUSE);
    EXPECT_EQ(::stat(dir.File("sock").c_str(), &status), 0);
  }
  EXPECT_EQ(BindProblem(SocketKind::kStream, address), 0);
  EXPECT_NE(::stat(dir.File("sock").c_str(), &status), 0) << "nobody listens there";

  std::ofstream(dir.File("sock")) << "precious";
  EXPECT_EQ(BindProblem(SocketKind::kStream, address), ENOTSOCK);
  EXPECT_EQ(test::ReadFile(dir.File("sock")), "precious");
  EXPECT_EQ(BindProblem(SocketKind::kStream, At("unix:" + dir.File("sock/below"))), ENOTDIR);
}

}  // namespace
}  // namespace sluice
