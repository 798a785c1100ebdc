// A loopback port that no other test uses while this object lives, for servers that must be told
// their port. Ports come from below the ephemeral range, so that no client socket takes one.
#pragma once

#include <cstdint>
#include <string>

namespace sluice::test {

class PortLease {
 public:
  PortLease();
  ~PortLease();
  PortLease(const PortLease&) = delete;
  PortLease& operator=(const PortLease&) = delete;

  std::uint16_t port() const { return port_; }
  // `127.0.0.1:port`
  std::string Address() const;

 private:
  std::uint16_t port_ = 0;
  int lock_fd_ = -1;
};

}  // namespace sluice::test
