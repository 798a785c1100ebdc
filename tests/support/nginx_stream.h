// A real nginx with one stream server, listening on a loopback port of its own.
#pragma once

#include <memory>
#include <string>

#include "tests/support/port_lease.h"
#include "tests/support/process.h"

namespace sluice::test {

class NginxStream {
 public:
  // Passes TCP on to `endpoint` (IP:PORT). `directives` go into the server block. Ready when the
  // constructor returns (checked).
  explicit NginxStream(const std::string& endpoint, const std::string& directives = "");
  std::string Address() const { return port_.Address(); }
  Process& process() { return *process_; }

 private:
  PortLease port_;
  TempDir dir_;
  std::unique_ptr<Process> process_;
};

}  // namespace sluice::test
