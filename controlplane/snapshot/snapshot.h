// A snapshot: the resources of one generation that the nodes of one visibility group may see, ready
// to be sent. Made by VisibilityIndex, walked by discovery sessions. Immutable; thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/generation_digest.h"
#include "common/model/resource.h"

namespace sluice::controlplane {

// One form of one resource, serialised once for all streams.
struct SnapshotItem {
  std::string name;                       // On the stream: `namespace/name`.
  std::string version;                    // Content hash.
  std::string wire;                       // An envoy Resource message: version, name and the Any.
  std::int64_t object_generation = 0;     // metadata.generation of the form; 0 for a Generation.
  model::DigestElement digest_element{};  // What it adds to a Generation's digest.
};

// Index of a discovery type: the kinds that are streamed, in rank order, then Generation.
using TypeIndex = std::size_t;

std::span<const std::string_view> StreamedTypeUrls();
std::optional<TypeIndex> FindStreamedType(std::string_view type_url);
std::optional<TypeIndex> StreamedTypeOf(const model::Kind& kind);
// Of Generation; as many resource types are before it.
TypeIndex GenerationTypeIndex();

// Of a node.
using Labels = std::map<std::string, std::string>;

struct SnapshotEntry {
  std::shared_ptr<const SnapshotItem> item;
  // The generation that brought this form into the snapshot.
  std::int64_t since = 0;
};

// All entries of one type, in name order.
class SnapshotTable {
 public:
  SnapshotTable() = default;
  // In name order, each name once.
  explicit SnapshotTable(std::vector<SnapshotEntry> entries) : entries_(std::move(entries)) {}

  const SnapshotEntry* Find(std::string_view name) const;
  const std::vector<SnapshotEntry>& entries() const { return entries_; }

 private:
  std::vector<SnapshotEntry> entries_;
};

struct SnapshotName {
  TypeIndex type;
  std::string name;
};

// What left a snapshot at a generation, for whom.
struct SnapshotRemovals {
  std::int64_t generation;
  std::shared_ptr<const std::vector<SnapshotName>> names;
  // The label sets that had seen it; null: all of the group.
  std::shared_ptr<const std::set<Labels>> seen_by;
};

struct Snapshot {
  std::int64_t generation = 0;
  std::string digest;
  model::DigestSum digest_sum;  // Of all resources; `digest` as it travels.
  // By type index; the last one holds the one Generation resource. None is null.
  std::vector<std::shared_ptr<const SnapshotTable>> tables;

  // Snapshots of one group form a chain: `changed` is what differs from the one with `parent_id`.
  // A reader that holds another one compares everything. Ids are unique in a process; 0 is
  // nobody's.
  std::uint64_t id = 0;
  std::uint64_t parent_id = 0;
  std::uint64_t group = 0;  // Of the visibility group; unique in a process.
  std::vector<SnapshotName> changed;

  // Oldest first; the newest limits::kRemovalsRemembered.
  std::vector<SnapshotRemovals> removals;

  const SnapshotEntry* Find(TypeIndex type, std::string_view name) const {
    return tables[type]->Find(name);
  }
  // Does a node with these labels, which are of this group, see the object now, or did it lose it
  // at `generation` or later?
  bool SeenSince(TypeIndex type, std::string_view name, std::int64_t generation,
                 const Labels& labels) const;
};

// What is the same for all forms: the item of a resource as it is sent.
std::shared_ptr<const SnapshotItem> MakeItem(const model::Resource& resource);
// The table with the one Generation resource that describes `resources`.
std::shared_ptr<const SnapshotTable> DescribeGeneration(
    std::int64_t number, std::span<const std::shared_ptr<const SnapshotTable>> resources,
    const std::string& digest);

}  // namespace sluice::controlplane
