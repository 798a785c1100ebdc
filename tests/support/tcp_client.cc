#include "tests/support/tcp_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace sluice::test {
namespace {

using Clock = std::chrono::steady_clock;

bool WaitReadable(int fd, Clock::time_point end) {
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() < 0) return false;
    pollfd poll_fd{fd, POLLIN, 0};
    const int ready = ::poll(&poll_fd, 1, static_cast<int>(left.count()) + 1);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
}

}  // namespace

TcpClient::TcpClient(const std::string& address, const std::string& source) {
  const auto colon = address.rfind(':');
  sockaddr_in target{};
  target.sin_family = AF_INET;
  target.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  ::inet_pton(AF_INET, address.substr(0, colon).c_str(), &target.sin_addr);
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (!source.empty()) {
    sockaddr_in from{};
    from.sin_family = AF_INET;
    ::inet_pton(AF_INET, source.c_str(), &from.sin_addr);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&from), sizeof(from)) != 0) Close();
  }
  const timeval patience{std::chrono::seconds(kPatience).count(), 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&target), sizeof(target)) != 0) Close();
}

TcpClient::~TcpClient() { Close(); }
TcpClient::TcpClient(TcpClient&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
TcpClient& TcpClient::operator=(TcpClient&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

bool TcpClient::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string TcpClient::Receive(std::size_t size, std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  std::string got;
  while (got.size() < size && WaitReadable(fd_, end)) {
    char buffer[65536];
    const ssize_t n = ::recv(fd_, buffer, std::min(sizeof(buffer), size - got.size()), 0);
    if (n <= 0) break;
    got.append(buffer, static_cast<std::size_t>(n));
  }
  return got;
}

std::string TcpClient::ReceiveUntil(std::string_view end_mark, std::chrono::milliseconds deadline) {
  const auto end = Clock::now() + deadline;
  std::string got;
  while (!got.ends_with(end_mark) && WaitReadable(fd_, end)) {
    char byte = 0;
    if (::recv(fd_, &byte, 1, 0) <= 0) break;
    got.push_back(byte);
  }
  return got;
}

bool TcpClient::AtEnd(std::chrono::milliseconds deadline) {
  if (!WaitReadable(fd_, Clock::now() + deadline)) return false;
  char byte = 0;
  return ::recv(fd_, &byte, 1, 0) == 0;
}

void TcpClient::FinishSending() { ::shutdown(fd_, SHUT_WR); }

void TcpClient::Close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool CanConnect(const std::string& address) { return TcpClient(address).connected(); }

}  // namespace sluice::test
