// What one stream has asked for of one type, what it holds, and what it still has to be sent to
// agree with a snapshot. Pure bookkeeping of the delta protocol; knows no nonces and no order
// between types. Not thread-safe: its session owns it.
//
// Streams that hold the same share it: a stream that has everything of a table holds the table
// itself, and one that is being sent a table keeps its place in it. Only what differs is its own.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/snapshot/snapshot.h"

namespace sluice::controlplane {

class Subscription {
 public:
  using Item = std::shared_ptr<const SnapshotItem>;
  using Items = std::vector<Item>;
  using Table = std::shared_ptr<const SnapshotTable>;
  using Versions = std::map<std::string_view, std::string_view>;  // By name.

  bool Covers(std::string_view name) const { return wildcard_ || names_.contains(name); }
  bool wildcard() const { return wildcard_; }
  bool empty() const { return !wildcard_ && names_.empty(); }
  std::size_t names() const { return names_.size(); }

  // Changes of the subscription. `table` is what there is just now; what has to be answered is
  // planned. Subscribing anew to a held name plans it again.
  void SubscribeWildcard() { wildcard_ = true; }
  void Subscribe(const std::string& name) { names_.emplace(name); }
  void UnsubscribeWildcard();
  void Unsubscribe(const std::string& name, const SnapshotTable& table);
  // The client says it holds these versions, from an earlier stream. Once, before anything is
  // planned; what is not covered does not count.
  void Claim(const Versions& versions, const Table& table);

  // Plans the name if what the client holds differs from `table`, and takes it off the plan if not.
  void Plan(std::string_view name, const SnapshotTable& table);
  // Plans it whatever the client holds; an unknown name is answered as absent.
  void PlanAnyway(const std::string& name, const SnapshotTable& table);
  void PlanEverything(const Table& table);

  bool has_updates() const { return !updates_.empty() || Sweeping(); }
  bool has_removals() const { return !removals_.empty(); }
  bool has_absent() const { return !absent_.empty(); }

  // Takes planned updates, in name order, until their bytes would go over the limit; at least one.
  // They count as held from now on.
  Items TakeUpdates(std::size_t bytes);
  // Takes planned removals; those no longer count as held.
  std::vector<std::string> TakeRemovals(std::size_t bytes);
  // Names that were asked for and do not exist.
  std::vector<std::string> TakeAbsent(std::size_t bytes);
  // Everything that was planned to agree with `table` has been taken.
  void Settle(const Table& table);

  // The version the client holds or has been sent; nullptr if none.
  const std::string* HeldVersion(std::string_view name) const;
  void Hold(const Item& item);

  // What is kept for this stream alone; for tests and metrics.
  std::size_t own_entries() const { return own_.size() + updates_.size(); }

 private:
  bool Sweeping() const { return sweep_ != nullptr && sweep_next_ < sweep_->entries().size(); }
  bool Swept(std::string_view name) const;
  void SkipHeld();
  void Unhold(std::string_view name);

  bool wildcard_ = false;
  std::set<std::string, std::less<>> names_;

  // Held is, the first that knows a name: own_ (nullptr: not held), what is swept, base_. Only a
  // wildcard subscription has the last two.
  std::map<std::string, Item, std::less<>> own_;  // A claimed item has no bytes.
  Table sweep_;  // Being sent in name order; entries before sweep_next_ are held.
  std::size_t sweep_next_ = 0;
  Table base_ = std::make_shared<const SnapshotTable>();

  std::map<std::string_view, Item> updates_;  // By the items' own names; besides the sweep.
  std::set<std::string, std::less<>> removals_;
  std::set<std::string, std::less<>> absent_;
};

}  // namespace sluice::controlplane
