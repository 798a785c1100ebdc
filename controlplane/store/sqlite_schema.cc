#include "controlplane/store/sqlite_schema.h"

#include <fmt/format.h>

#include "common/base/version.h"

namespace sluice::controlplane {
namespace {

// Bytes 68-71 of the file say whose it is.
constexpr std::int64_t kApplicationId = 0x736c7563;  // "sluc"
constexpr std::int64_t kSchema = 1;

// A history row's id is its generation and its place in it, so that one b-tree orders both.
constexpr const char* kCreateTables = R"(
  CREATE TABLE state(
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL,
    history_after INTEGER NOT NULL);
  INSERT INTO state VALUES (1, 0, 0);
  CREATE TABLE objects(
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, message BLOB NOT NULL,
    UNIQUE (kind, namespace, name));
  CREATE TABLE history(
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, before BLOB);
)";

// What a file says it is.
struct FileMarks {
  std::int64_t application = 0;
  std::int64_t schema = 0;
  std::int64_t tables = 0;

  bool fresh() const { return application == 0 && schema == 0 && tables == 0; }
};

// Within a transaction, so that they are of one moment.
Result<FileMarks> ReadMarks(SqliteDatabase& database) {
  auto application = database.QueryInteger("PRAGMA application_id");
  if (!application) return tl::unexpected(application.error());
  auto schema = database.QueryInteger("PRAGMA user_version");
  if (!schema) return tl::unexpected(schema.error());
  auto tables = database.QueryInteger("SELECT count(*) FROM sqlite_schema");
  if (!tables) return tl::unexpected(tables.error());
  return FileMarks{*application, *schema, *tables};
}

// Unless another process was faster.
Result<void> CreateSchema(SqliteDatabase& database) {
  auto transaction = SqliteTransaction::BeginWrite(database);
  if (!transaction) return tl::unexpected(transaction.error());
  auto marks = ReadMarks(database);
  if (!marks) return tl::unexpected(marks.error());
  if (!marks->fresh()) return {};
  if (auto done = database.Execute(kCreateTables); !done) return done;
  if (auto done = database.Execute(fmt::format(
          "PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, kSchema));
      !done) {
    return done;
  }
  return transaction->Commit();
}

Result<void> CheckIntegrity(SqliteDatabase& database) {
  auto verdict = database.QueryText("PRAGMA quick_check(1)");
  if (!verdict) return tl::unexpected(verdict.error());
  if (*verdict == "ok") return {};
  return Fail(ErrorCode::kDataLoss, fmt::format("'{}' is damaged ({}); restore it from a copy",
                                                database.path(), *verdict));
}

}  // namespace

Result<void> PrepareSchema(SqliteDatabase& database) {
  Result<FileMarks> marks;
  {
    auto transaction = SqliteTransaction::BeginRead(database);
    if (!transaction) return tl::unexpected(transaction.error());
    marks = ReadMarks(database);
  }
  if (!marks) return tl::unexpected(marks.error());
  const bool fresh = marks->fresh();
  if (!fresh && marks->application != kApplicationId) {
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("'{}' is the SQLite database of another program", database.path()));
  }
  if (marks->schema > kSchema) {
    return Fail(
        ErrorCode::kFailedPrecondition,
        fmt::format("'{}' was written by a newer version of sluice: it has schema {}, version "
                    "{} knows up to {}",
                    database.path(), marks->schema, kVersion, kSchema));
  }
  if (!fresh) {
    if (auto intact = CheckIntegrity(database); !intact) return intact;
  }

  auto mode = database.QueryText("PRAGMA journal_mode = WAL");
  if (!mode) return tl::unexpected(mode.error());
  if (*mode != "wal") {
    return Fail(
        ErrorCode::kFailedPrecondition,
        fmt::format("the file system of '{}' cannot hold a write-ahead log", database.path()));
  }
  // FULL: the log is synced before a commit returns. The cache (KiB when negative) need not hold
  // the history, which is hardly ever read.
  auto tuned = database.Execute(
      "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -512");
  if (!tuned || !fresh) return tuned;
  return CreateSchema(database);
}

}  // namespace sluice::controlplane
