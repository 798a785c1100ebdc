// A real Redis on a loopback port of its own, nothing on disk.
#pragma once

#include <memory>
#include <string>

#include "tests/support/port_lease.h"
#include "tests/support/process.h"

namespace sluice::test {

class RedisServer {
 public:
  // Ready when the constructor returns (checked).
  RedisServer();
  std::string Address() const { return port_.Address(); }
  std::uint16_t port() const { return port_.port(); }
  Process& process() { return *process_; }

 private:
  PortLease port_;
  TempDir dir_;
  std::unique_ptr<Process> process_;
};

}  // namespace sluice::test
