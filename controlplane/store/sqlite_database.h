// One SQLite connection and its statements with our error type: what SQLite reports becomes an
// Error that says which file, what was tried, and what a person can do. Knows no tables. Not
// thread-safe: the owner serialises.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace sluice::controlplane {

class SqliteStatement;

class SqliteDatabase {
 public:
  // The file must exist. Every statement waits up to 5 s for the locks of other processes.
  static Result<SqliteDatabase> Open(const std::string& path);

  // One or more statements without parameters; rows are ignored.
  Result<void> Execute(const std::string& sql);
  Result<SqliteStatement> Prepare(std::string_view sql);
  // The only column of the only row.
  Result<std::int64_t> QueryInteger(const std::string& sql);
  Result<std::string> QueryText(const std::string& sql);

  // What the last failed call meant. `doing` completes "cannot ...".
  Error LastError(std::string_view doing) const;
  const std::string& path() const { return path_; }

 private:
  struct Closer {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  SqliteDatabase(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}

  std::string path_;
  std::unique_ptr<sqlite3, Closer> handle_;
};

// A prepared statement. Bind, Step until it answers false, Reset; must not outlive its database.
class SqliteStatement {
 public:
  SqliteStatement() = default;
  SqliteStatement(const SqliteDatabase& database, sqlite3_stmt* handle)
      : database_(&database), handle_(handle) {}

  // Positions count from 1. Text and blobs are not copied: they must live until Reset.
  SqliteStatement& Bind(int position, std::int64_t value);
  SqliteStatement& Bind(int position, std::string_view text);
  SqliteStatement& BindBlob(int position, std::string_view bytes);
  SqliteStatement& BindNull(int position);

  // True: a row is there to be read. False: done.
  Result<bool> Step();
  // For statements without rows: Step and Reset.
  Result<void> Run();
  void Reset();

  // Columns count from 0. Views are valid until the next Step or Reset.
  std::int64_t Integer(int column) const;
  std::string_view Text(int column) const;
  bool IsNull(int column) const;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  const SqliteDatabase* database_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalizer> handle_;
};

// BEGIN to COMMIT. Rolled back when the object goes without a Commit that succeeded; statements
// that are read in it must have been reset or destroyed by then. Must not outlive its database.
class SqliteTransaction {
 public:
  // The file as the first read finds it, whatever others commit meanwhile.
  static Result<SqliteTransaction> BeginRead(SqliteDatabase& database);
  // The same, and nobody else writes meanwhile: waits for those who do.
  static Result<SqliteTransaction> BeginWrite(SqliteDatabase& database);

  SqliteTransaction(SqliteTransaction&& other) noexcept : database_(other.database_) {
    other.database_ = nullptr;
  }
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  ~SqliteTransaction();

  // Durable when it returns. An error: nothing was stored.
  Result<void> Commit();

 private:
  explicit SqliteTransaction(SqliteDatabase& database) : database_(&database) {}

  SqliteDatabase* database_;  // nullptr: ended.
};

}  // namespace sluice::controlplane
