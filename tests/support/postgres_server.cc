#include "tests/support/postgres_server.h"

#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "common/base/check.h"

namespace sluice::test {

std::string PostgresServer::BinDir() {
  std::string newest;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql")) {
    newest = std::max(newest, (entry.path() / "bin").string());
  }
  return newest;
}

PostgresServer::PostgresServer() {
  // The server refuses to run as root.
  const passwd* account = ::getpwnam("postgres");
  SLUICE_CHECK(account != nullptr);
  ProcessOptions as_postgres;
  as_postgres.user = account->pw_uid;
  if (::geteuid() == 0) {
    SLUICE_CHECK(::chown(dir_.path().c_str(), account->pw_uid, account->pw_gid) == 0);
  }
  const std::string cluster = dir_.File("cluster");
  const ProcessResult made = Run({BinDir() + "/initdb", "-D", cluster, "-U", "postgres", "-A",
                                  "trust", "--no-sync", "--no-instructions"},
                                 as_postgres, std::chrono::seconds(60));
  SLUICE_CHECK(made.status == 0);
  process_ = std::make_unique<Process>(
      std::vector<std::string>{BinDir() + "/postgres", "-D", cluster, "-p",
                               std::to_string(port_.port()), "-h", "127.0.0.1", "-k", dir_.path(),
                               "-c", "fsync=off", "-c", "max_connections=200"},
      as_postgres);
  SLUICE_CHECK(Eventually([this] {
    return Run({BinDir() + "/pg_isready", "-q", "-h", "127.0.0.1", "-p",
                std::to_string(port_.port())})
               .status == 0;
  }));
}

PostgresServer::~PostgresServer() {
  process_->Signal(SIGINT);  // Fast shutdown: takes its own children along.
  process_->Wait();
}

}  // namespace sluice::test
