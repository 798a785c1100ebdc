#include "controlplane/store/sqlite_database.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "common/base/check.h"

namespace sluice::controlplane {
namespace {

constexpr int kLockWaitMilliseconds = 5000;

bool MeansNoSpace(int system_error) {
  return system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
}

}  // namespace

Result<SqliteDatabase> SqliteDatabase::Open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteDatabase database(path, handle);
  if (code != SQLITE_OK) {
    if (handle == nullptr) return Fail(ErrorCode::kInternal, "SQLite is out of memory");
    return tl::unexpected(database.LastError("open it"));
  }
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, kLockWaitMilliseconds);
  return database;
}

Result<void> SqliteDatabase::Execute(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return tl::unexpected(LastError(fmt::format("run '{}'", sql)));
  }
  return {};
}

Result<SqliteStatement> SqliteDatabase::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return tl::unexpected(LastError(fmt::format("prepare '{}'", sql)));
  return SqliteStatement(*this, statement);
}

Result<std::int64_t> SqliteDatabase::QueryInteger(const std::string& sql) {
  auto statement = Prepare(sql);
  if (!statement) return tl::unexpected(statement.error());
  auto row = statement->Step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return Fail(ErrorCode::kDataLoss, fmt::format("'{}' has no row for '{}'", path_, sql));
  return statement->Integer(0);
}

Result<std::string> SqliteDatabase::QueryText(const std::string& sql) {
  auto statement = Prepare(sql);
  if (!statement) return tl::unexpected(statement.error());
  auto row = statement->Step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return Fail(ErrorCode::kDataLoss, fmt::format("'{}' has no row for '{}'", path_, sql));
  return std::string(statement->Text(0));
}

Error SqliteDatabase::LastError(std::string_view doing) const {
  const int code = sqlite3_extended_errcode(handle_.get());
  const int system_error = sqlite3_system_errno(handle_.get());
  const std::string text = sqlite3_errmsg(handle_.get());
  // SQLite does not always know what the system said.
  const std::string cause =
      system_error == 0 ? text : text + ", " + std::generic_category().message(system_error);
  switch (code & 0xff) {
    case SQLITE_FULL:
      return {ErrorCode::kResourceExhausted,
              fmt::format("no space is left for '{}': nothing was stored", path_)};
    case SQLITE_CORRUPT:
      return {ErrorCode::kDataLoss,
              fmt::format("'{}' is damaged ({}); restore it from a copy", path_, text)};
    case SQLITE_NOTADB:
      return {ErrorCode::kDataLoss, fmt::format("'{}' is not an SQLite database", path_)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {
          ErrorCode::kUnavailable,
          fmt::format("another program keeps '{}' locked; try again when it has finished", path_)};
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      return {ErrorCode::kFailedPrecondition,
              fmt::format("cannot write '{}' or make files beside it ({})", path_, cause)};
    case SQLITE_IOERR:
      if (MeansNoSpace(system_error)) {
        return {ErrorCode::kResourceExhausted,
                fmt::format("no space is left for '{}' ({}): nothing was stored", path_, cause)};
      }
      return {ErrorCode::kUnavailable,
              fmt::format("reading or writing '{}' failed ({})", path_, cause)};
    default:
      return {ErrorCode::kInternal,
              fmt::format("SQLite cannot {} in '{}': {} (code {})", doing, path_, text, code)};
  }
}

SqliteStatement& SqliteStatement::Bind(int position, std::int64_t value) {
  SLUICE_CHECK(sqlite3_bind_int64(handle_.get(), position, value) == SQLITE_OK);
  return *this;
}

SqliteStatement& SqliteStatement::Bind(int position, std::string_view text) {
  SLUICE_CHECK(sqlite3_bind_text64(handle_.get(), position, text.data(), text.size(), SQLITE_STATIC,
                                   SQLITE_UTF8) == SQLITE_OK);
  return *this;
}

SqliteStatement& SqliteStatement::BindBlob(int position, std::string_view bytes) {
  // A null pointer would bind NULL, which means something else than an empty object.
  const char* start = bytes.data() == nullptr ? "" : bytes.data();
  SLUICE_CHECK(sqlite3_bind_blob64(handle_.get(), position, start, bytes.size(), SQLITE_STATIC) ==
               SQLITE_OK);
  return *this;
}

SqliteStatement& SqliteStatement::BindNull(int position) {
  SLUICE_CHECK(sqlite3_bind_null(handle_.get(), position) == SQLITE_OK);
  return *this;
}

Result<bool> SqliteStatement::Step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return tl::unexpected(database_->LastError(fmt::format("run '{}'", sqlite3_sql(handle_.get()))));
}

Result<void> SqliteStatement::Run() {
  auto row = Step();
  Reset();
  if (!row) return tl::unexpected(row.error());
  return {};
}

void SqliteStatement::Reset() {
  sqlite3_reset(handle_.get());
  sqlite3_clear_bindings(handle_.get());
}

std::int64_t SqliteStatement::Integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string_view SqliteStatement::Text(int column) const {
  const void* bytes = sqlite3_column_blob(handle_.get(), column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
  return {static_cast<const char*>(bytes == nullptr ? "" : bytes), size};
}

bool SqliteStatement::IsNull(int column) const {
  return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

Result<SqliteTransaction> SqliteTransaction::BeginRead(SqliteDatabase& database) {
  if (auto begun = database.Execute("BEGIN"); !begun) return tl::unexpected(begun.error());
  return SqliteTransaction(database);
}

Result<SqliteTransaction> SqliteTransaction::BeginWrite(SqliteDatabase& database) {
  if (auto begun = database.Execute("BEGIN IMMEDIATE"); !begun)
    return tl::unexpected(begun.error());
  return SqliteTransaction(database);
}

Result<void> SqliteTransaction::Commit() {
  auto committed = database_->Execute("COMMIT");
  if (committed) database_ = nullptr;
  return committed;
}

SqliteTransaction::~SqliteTransaction() {
  // SQLite may have rolled back by itself, and then refuses this: either way nothing is left.
  if (database_ != nullptr) (void)database_->Execute("ROLLBACK");
}

}  // namespace sluice::controlplane
