// A real DNS server (dnsmasq) on a loopback port of its own: answers every name under `test.` with
// one address.
#pragma once

#include <memory>
#include <string>

#include "tests/support/port_lease.h"
#include "tests/support/process.h"

namespace sluice::test {

class DnsServer {
 public:
  // Ready when the constructor returns (checked).
  explicit DnsServer(const std::string& answer = "192.0.2.1");
  std::string Address() const { return port_.Address(); }
  std::uint16_t port() const { return port_.port(); }

 private:
  PortLease port_;
  std::unique_ptr<Process> process_;
};

// Asks `address` (127.0.0.1:port) once over UDP for the A record of `name`; empty when no answer
// came.
std::string AskDns(const std::string& address, const std::string& name);

}  // namespace sluice::test
