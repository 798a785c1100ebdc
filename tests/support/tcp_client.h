// A blocking TCP client with a deadline on everything, for tests.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/eventually.h"

namespace sluice::test {

class TcpClient {
 public:
  // `127.0.0.1:port`. connected() says whether it worked.
  explicit TcpClient(const std::string& address) : TcpClient(address, "") {}
  // From the IPv4 address `source`, unless it is empty.
  TcpClient(const std::string& address, const std::string& source);
  ~TcpClient();
  TcpClient(TcpClient&& other) noexcept;
  TcpClient& operator=(TcpClient&& other) noexcept;

  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  // All of it, or false.
  bool Send(std::string_view bytes);
  // Exactly `size` bytes, or what came until the end, a reset or the deadline.
  std::string Receive(std::size_t size, std::chrono::milliseconds deadline = kPatience);
  // Up to and with `end`.
  std::string ReceiveUntil(std::string_view end, std::chrono::milliseconds deadline = kPatience);
  // True when the peer ended the connection properly and nothing was left to read.
  bool AtEnd(std::chrono::milliseconds deadline = kPatience);
  void FinishSending();
  void Close();

 private:
  int fd_ = -1;
};

// Is anybody accepting there?
bool CanConnect(const std::string& address);

}  // namespace sluice::test
