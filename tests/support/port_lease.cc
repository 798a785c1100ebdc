#include "tests/support/port_lease.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <random>

#include "common/base/check.h"

namespace sluice::test {
namespace {

constexpr char kLockFolder[] = "/tmp/sluice-test-ports";
constexpr int kFirstPort = 10000;
constexpr int kLastPort = 31999;

// Nobody listens or has just listened there, for TCP and UDP.
bool IsFree(std::uint16_t port) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    ::close(fd);
    if (!bound) return false;
  }
  return true;
}

}  // namespace

PortLease::PortLease() {
  ::mkdir(kLockFolder, 0777);
  std::random_device seed;
  std::uniform_int_distribution<int> pick(kFirstPort, kLastPort);
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const auto port = static_cast<std::uint16_t>(pick(seed));
    const std::string path = std::string(kLockFolder) + "/" + std::to_string(port);
    const int fd = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && IsFree(port)) {
      port_ = port;
      lock_fd_ = fd;
      return;
    }
    ::close(fd);
  }
  constexpr bool kFreePortFound = false;
  SLUICE_CHECK(kFreePortFound);
}

PortLease::~PortLease() { ::close(lock_fd_); }

std::string PortLease::Address() const { return "127.0.0.1:" + std::to_string(port_); }

}  // namespace sluice::test
