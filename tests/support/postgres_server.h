// A real PostgreSQL with a fresh cluster on a loopback port of its own; user postgres, no password.
#pragma once

#include <memory>
#include <string>

#include "tests/support/port_lease.h"
#include "tests/support/process.h"

namespace sluice::test {

class PostgresServer {
 public:
  // Ready when the constructor returns (checked).
  PostgresServer();
  ~PostgresServer();
  std::string Address() const { return port_.Address(); }

  // Folder of the programs (initdb, pgbench, psql), for example /usr/lib/postgresql/15/bin.
  static std::string BinDir();

 private:
  PortLease port_;
  TempDir dir_;
  std::unique_ptr<Process> process_;
};

}  // namespace sluice::test
