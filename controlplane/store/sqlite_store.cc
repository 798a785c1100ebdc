#include "controlplane/store/sqlite_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/mutex.h"
#include "controlplane/store/polled_following.h"
#include "controlplane/store/sqlite_database.h"
#include "controlplane/store/sqlite_schema.h"
#include "controlplane/store/store_lock.h"

namespace sluice::controlplane {
namespace {

// Places in one generation; more than a batch may have (limits::kApplyResources).
constexpr std::int64_t kHistoryPlaces = 1 << 20;
constexpr std::size_t kHistoryRowBytes = 128;  // What a row takes besides the object.

std::string Serialised(const model::Resource& resource) {
  return resource.message().SerializeAsString();
}

Result<model::ResourceKey> KeyOf(std::string_view kind_name, std::string_view ns,
                                 std::string_view name) {
  const model::Kind* kind = model::FindKind(kind_name);
  if (kind == nullptr) {
    return Fail(ErrorCode::kFailedPrecondition,
                fmt::format("the store holds '{}' '{}/{}', a kind that this version does not know",
                            kind_name, ns, name));
  }
  return model::ResourceKey{kind, std::string(ns), std::string(name)};
}

Result<model::Resource> ParseStored(const model::ResourceKey& key, std::string_view bytes) {
  std::unique_ptr<google::protobuf::Message> message(key.kind->prototype().New());
  if (!message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Fail(ErrorCode::kDataLoss, fmt::format("the stored form of {} is damaged", key.Text()));
  }
  auto resource = model::Resource::FromMessage(std::move(message));
  if (resource.key() != key) {
    return Fail(ErrorCode::kDataLoss, fmt::format("the stored form of {} says that it is {}",
                                                  key.Text(), resource.key().Text()));
  }
  return resource;
}

class SqliteStore final : public Store {
 public:
  SqliteStore(StoreLock lock, SqliteDatabase database)
      : lock_(std::move(lock)), database_(std::move(database)) {}

  Result<void> Prepare();

  Result<StoreState> Read() override;
  Result<std::int64_t> Commit(std::int64_t based_on,
                              const std::vector<model::Change>& changes) override;
  Result<std::vector<StoreCommit>> CommitsAfter(std::int64_t from) override;
  Result<std::vector<model::Resource>> EarlierForms(const model::ResourceKey& key) override;
  std::unique_ptr<Following> Follow(std::int64_t from, Sink sink) override;

 private:
  // Costs microseconds while nobody has committed anything.
  Result<std::int64_t> NewestGeneration();

  struct GenerationSize {
    std::int64_t generation;
    std::size_t bytes;
  };
  // The row of `state`.
  struct Position {
    std::int64_t generation = 0;
    std::int64_t history_after = 0;
  };

  // The rest is called within a transaction.
  Result<Position> ReadPosition() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Brings history_ to what the file has: other processes commit too.
  Result<void> MeasureHistory(const Position& position) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Result<std::size_t> WriteChange(std::int64_t id, const model::Change& change)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Result<void> WriteGeneration(std::int64_t generation, const std::vector<model::Change>& changes,
                               std::size_t& bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // How many of the oldest generations have to go when one of `added` bytes comes.
  std::size_t OldestToTrim(std::size_t added) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Result<std::shared_ptr<const model::Resource>> ReadObject(const model::ResourceKey& key)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Serialises use of the connection, I/O included.
  Mutex mutex_;
  StoreLock lock_;  // Held until the database is closed.
  SqliteDatabase database_ ABSL_GUARDED_BY(mutex_);
  SqliteStatement read_position_ ABSL_GUARDED_BY(mutex_);
  SqliteStatement write_position_ ABSL_GUARDED_BY(mutex_);
  SqliteStatement read_object_ ABSL_GUARDED_BY(mutex_);
  SqliteStatement write_object_ ABSL_GUARDED_BY(mutex_);
  SqliteStatement delete_object_ ABSL_GUARDED_BY(mutex_);
  SqliteStatement add_history_ ABSL_GUARDED_BY(mutex_);
  SqliteStatement trim_history_ ABSL_GUARDED_BY(mutex_);
  SqliteStatement measure_history_ ABSL_GUARDED_BY(mutex_);
  SqliteStatement data_version_ ABSL_GUARDED_BY(mutex_);
  // The newest generation, as of when the file had this `PRAGMA data_version`, which changes with
  // every commit of another connection; those of this one are entered here.
  std::int64_t newest_ ABSL_GUARDED_BY(mutex_) = 0;
  std::int64_t newest_as_of_ ABSL_GUARDED_BY(mutex_) = -1;
  // How large the history is, so that a commit need not add it up: up to the generation that this
  // process last measured or wrote.
  std::int64_t measured_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<GenerationSize> history_ ABSL_GUARDED_BY(mutex_);  // Oldest first.
  std::size_t history_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

Result<void> SqliteStore::Prepare() {
  const MutexLock lock(mutex_);
  const std::pair<SqliteStatement*, std::string_view> statements[] = {
      {&read_position_, "SELECT generation, history_after FROM state"},
      {&write_position_, "UPDATE state SET generation = ?, history_after = ?"},
      {&read_object_, "SELECT message FROM objects WHERE kind = ? AND namespace = ? AND name = ?"},
      {&write_object_,
       "INSERT INTO objects VALUES (?, ?, ?, ?) "
       "ON CONFLICT (kind, namespace, name) DO UPDATE SET message = excluded.message"},
      {&delete_object_, "DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?"},
      {&add_history_, "INSERT INTO history VALUES (?, ?, ?, ?, ?)"},
      {&trim_history_, "DELETE FROM history WHERE id < ?"},
      {&measure_history_,
       "SELECT id / ?, sum(coalesce(length(before), 0) + ?) FROM history WHERE id >= ? GROUP BY 1"},
      {&data_version_, "PRAGMA data_version"},
  };
  for (const auto& [statement, sql] : statements) {
    auto prepared = database_.Prepare(sql);
    if (!prepared) return tl::unexpected(prepared.error());
    *statement = std::move(*prepared);
  }
  auto transaction = SqliteTransaction::BeginRead(database_);
  if (!transaction) return tl::unexpected(transaction.error());
  auto position = ReadPosition();
  if (!position) return tl::unexpected(position.error());
  return MeasureHistory(*position);
}

Result<SqliteStore::Position> SqliteStore::ReadPosition() {
  auto row = read_position_.Step();
  Result<Position> result;
  if (!row) {
    result = tl::unexpected(row.error());
  } else if (!*row) {
    result = Fail(ErrorCode::kDataLoss, fmt::format("'{}' says no generation", database_.path()));
  } else {
    result = Position{read_position_.Integer(0), read_position_.Integer(1)};
  }
  read_position_.Reset();
  return result;
}

Result<void> SqliteStore::MeasureHistory(const Position& position) {
  while (!history_.empty() && history_.front().generation <= position.history_after) {
    history_bytes_ -= history_.front().bytes;
    history_.pop_front();
  }
  measure_history_.Bind(1, kHistoryPlaces)
      .Bind(2, static_cast<std::int64_t>(kHistoryRowBytes))
      .Bind(3, (measured_ + 1) * kHistoryPlaces);
  std::vector<GenerationSize> more;
  Result<bool> row(false);
  while ((row = measure_history_.Step()) && *row) {
    more.push_back(
        {measure_history_.Integer(0), static_cast<std::size_t>(measure_history_.Integer(1))});
  }
  measure_history_.Reset();
  if (!row) return tl::unexpected(row.error());
  for (const GenerationSize& size : more) {
    history_.push_back(size);
    history_bytes_ += size.bytes;
  }
  measured_ = position.generation;
  return {};
}

Result<StoreState> SqliteStore::Read() {
  const MutexLock lock(mutex_);
  auto transaction = SqliteTransaction::BeginRead(database_);
  if (!transaction) return tl::unexpected(transaction.error());
  auto position = ReadPosition();
  if (!position) return tl::unexpected(position.error());
  StoreState result;
  result.generation = position->generation;
  auto rows = database_.Prepare("SELECT kind, namespace, name, message FROM objects");
  if (!rows) return tl::unexpected(rows.error());
  for (;;) {
    auto more = rows->Step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return result;
    auto key = KeyOf(rows->Text(0), rows->Text(1), rows->Text(2));
    if (!key) return tl::unexpected(key.error());
    auto resource = ParseStored(*key, rows->Text(3));
    if (!resource) return tl::unexpected(resource.error());
    result.resources.push_back(std::move(*resource));
  }
}

Result<std::int64_t> SqliteStore::Commit(std::int64_t based_on,
                                         const std::vector<model::Change>& changes) {
  SLUICE_CHECK(!changes.empty());
  SLUICE_CHECK(changes.size() < static_cast<std::size_t>(kHistoryPlaces));
  const MutexLock lock(mutex_);
  auto transaction = SqliteTransaction::BeginWrite(database_);
  if (!transaction) return tl::unexpected(transaction.error());
  auto position = ReadPosition();
  if (!position) return tl::unexpected(position.error());
  if (based_on != position->generation) {
    return Fail(ErrorCode::kConflict, fmt::format("the store is at generation {}, not {} any more",
                                                  position->generation, based_on));
  }
  if (measured_ != position->generation) {
    if (auto measured = MeasureHistory(*position); !measured)
      return tl::unexpected(measured.error());
  }
  const std::int64_t generation = based_on + 1;
  std::size_t bytes = 0;
  auto written = WriteGeneration(generation, changes, bytes);

  const std::size_t trimmed = OldestToTrim(bytes);
  if (written && trimmed > 0) {
    position->history_after =
        trimmed > history_.size() ? generation : history_[trimmed - 1].generation;
    trim_history_.Bind(1, (position->history_after + 1) * kHistoryPlaces);
    written = trim_history_.Run();
  }
  if (written) {
    write_position_.Bind(1, generation).Bind(2, position->history_after);
    written = write_position_.Run();
  }
  if (written) written = transaction->Commit();
  if (!written) return tl::unexpected(written.error());

  history_.push_back({generation, bytes});
  history_bytes_ += bytes;
  for (std::size_t i = 0; i < trimmed; ++i) {
    history_bytes_ -= history_.front().bytes;
    history_.pop_front();
  }
  measured_ = generation;
  newest_ = generation;
  return generation;
}

Result<void> SqliteStore::WriteGeneration(std::int64_t generation,
                                          const std::vector<model::Change>& changes,
                                          std::size_t& bytes) {
  std::int64_t place = 0;
  for (const model::Change& change : changes) {
    auto row_bytes = WriteChange(generation * kHistoryPlaces + place++, change);
    if (!row_bytes) return tl::unexpected(row_bytes.error());
    bytes += *row_bytes;
  }
  return {};
}

Result<std::size_t> SqliteStore::WriteChange(std::int64_t id, const model::Change& change) {
  const auto& [kind, ns, name] = change.key;
  read_object_.Bind(1, kind->name).Bind(2, ns).Bind(3, name);
  auto existed = read_object_.Step();
  std::string before;
  if (existed && *existed) before = read_object_.Text(0);
  read_object_.Reset();
  if (!existed) return tl::unexpected(existed.error());

  add_history_.Bind(1, id).Bind(2, kind->name).Bind(3, ns).Bind(4, name);
  if (*existed) {
    add_history_.BindBlob(5, before);
  } else {
    add_history_.BindNull(5);
  }
  if (auto added = add_history_.Run(); !added) return tl::unexpected(added.error());

  if (change.after != nullptr) {
    const std::string after = Serialised(*change.after);
    write_object_.Bind(1, kind->name).Bind(2, ns).Bind(3, name).BindBlob(4, after);
    if (auto written = write_object_.Run(); !written) return tl::unexpected(written.error());
  } else {
    delete_object_.Bind(1, kind->name).Bind(2, ns).Bind(3, name);
    if (auto deleted = delete_object_.Run(); !deleted) return tl::unexpected(deleted.error());
  }
  return before.size() + kHistoryRowBytes;
}

std::size_t SqliteStore::OldestToTrim(std::size_t added) const {
  std::size_t count = 0;
  std::size_t generations = history_.size() + 1;
  std::size_t bytes = history_bytes_ + added;
  while (generations > 0 &&
         (generations > limits::kHistoryGenerations || bytes > limits::kHistoryBytes)) {
    bytes -= count < history_.size() ? history_[count].bytes : added;
    --generations;
    ++count;
  }
  return count;
}

Result<std::vector<StoreCommit>> SqliteStore::CommitsAfter(std::int64_t from) {
  const MutexLock lock(mutex_);
  auto transaction = SqliteTransaction::BeginRead(database_);
  if (!transaction) return tl::unexpected(transaction.error());
  auto position = ReadPosition();
  if (!position) return tl::unexpected(position.error());
  if (from > position->generation) {
    return Fail(ErrorCode::kOutOfRange,
                fmt::format("generation {} has not been made yet, the newest is {}", from,
                            position->generation));
  }
  if (from < position->history_after) {
    return Fail(ErrorCode::kOutOfRange,
                fmt::format("changes after generation {} are no longer kept, only those after {}",
                            from, position->history_after));
  }
  auto rows = database_.Prepare(
      "SELECT id, kind, namespace, name, before FROM history WHERE id >= ? ORDER BY id DESC LIMIT "
      "?");
  if (!rows) return tl::unexpected(rows.error());
  rows->Bind(1, (from + 1) * kHistoryPlaces)
      .Bind(2, static_cast<std::int64_t>(limits::kWatchBacklog + 1));

  // From the newest back: what an object was before a change is what it was after the one before.
  std::map<model::ResourceKey, std::shared_ptr<const model::Resource>> forms;
  std::vector<StoreCommit> newest_first;
  for (std::size_t count = 0;; ++count) {
    auto more = rows->Step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) break;
    if (count == limits::kWatchBacklog) {
      return Fail(ErrorCode::kOutOfRange,
                  fmt::format("more than {} objects changed after generation {}",
                              limits::kWatchBacklog, from));
    }
    auto key = KeyOf(rows->Text(1), rows->Text(2), rows->Text(3));
    if (!key) return tl::unexpected(key.error());
    auto form = forms.find(*key);
    if (form == forms.end()) {
      auto current = ReadObject(*key);
      if (!current) return tl::unexpected(current.error());
      form = forms.emplace(*key, *current).first;
    }
    model::Change change{*key, form->second};
    if (!rows->IsNull(4)) {
      auto before = ParseStored(*key, rows->Text(4));
      if (!before) return tl::unexpected(before.error());
      change.before = std::make_shared<const model::Resource>(std::move(*before));
    }
    form->second = change.before;
    const std::int64_t generation = rows->Integer(0) / kHistoryPlaces;
    if (newest_first.empty() || newest_first.back().generation != generation) {
      newest_first.push_back({generation, {}});
    }
    newest_first.back().changes.push_back(std::move(change));
  }
  for (StoreCommit& commit : newest_first)
    std::reverse(commit.changes.begin(), commit.changes.end());
  std::reverse(newest_first.begin(), newest_first.end());
  return newest_first;
}

Result<std::shared_ptr<const model::Resource>> SqliteStore::ReadObject(
    const model::ResourceKey& key) {
  read_object_.Bind(1, key.kind->name).Bind(2, key.ns).Bind(3, key.name);
  auto row = read_object_.Step();
  Result<std::shared_ptr<const model::Resource>> result(nullptr);
  if (!row) {
    result = tl::unexpected(row.error());
  } else if (*row) {
    auto resource = ParseStored(key, read_object_.Text(0));
    if (resource) {
      result = std::make_shared<const model::Resource>(std::move(*resource));
    } else {
      result = tl::unexpected(resource.error());
    }
  }
  read_object_.Reset();
  return result;
}

Result<std::vector<model::Resource>> SqliteStore::EarlierForms(const model::ResourceKey& key) {
  const MutexLock lock(mutex_);
  auto rows = database_.Prepare(
      "SELECT before FROM history WHERE kind = ? AND namespace = ? AND name = ? AND before IS NOT "
      "NULL "
      "ORDER BY id DESC");
  if (!rows) return tl::unexpected(rows.error());
  rows->Bind(1, key.kind->name).Bind(2, key.ns).Bind(3, key.name);
  std::vector<model::Resource> forms;
  for (;;) {
    auto more = rows->Step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return forms;
    auto form = ParseStored(key, rows->Text(0));
    if (!form) return tl::unexpected(form.error());
    forms.push_back(std::move(*form));
  }
}

Result<std::int64_t> SqliteStore::NewestGeneration() {
  const MutexLock lock(mutex_);
  auto row = data_version_.Step();
  const std::int64_t version = row && *row ? data_version_.Integer(0) : newest_as_of_;
  data_version_.Reset();
  if (!row) return tl::unexpected(row.error());
  if (version == newest_as_of_) return newest_;
  // Read after the version: what is committed in between is read, and looked at once more.
  auto position = ReadPosition();
  if (!position) return tl::unexpected(position.error());
  newest_ = position->generation;
  newest_as_of_ = version;
  return newest_;
}

std::unique_ptr<Store::Following> SqliteStore::Follow(std::int64_t from, Sink sink) {
  return FollowByPolling({.newest = [this] { return NewestGeneration(); },
                          .commits_after = [this](auto after) { return CommitsAfter(after); }},
                         from, std::move(sink));
}

}  // namespace

Result<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path) {
  auto lock = StoreLock::Take(path);
  if (!lock) return tl::unexpected(lock.error());
  auto database = SqliteDatabase::Open(path);
  if (!database) return tl::unexpected(database.error());
  if (auto ready = PrepareSchema(*database); !ready) return tl::unexpected(ready.error());
  auto store = std::make_unique<SqliteStore>(std::move(*lock), std::move(*database));
  if (auto ready = store->Prepare(); !ready) return tl::unexpected(ready.error());
  return store;
}

}  // namespace sluice::controlplane
