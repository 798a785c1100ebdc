// What one stream has asked for of one type, what it holds, and what it still has to be sent to
// agree with a snapshot. Pure bookkeeping of the delta protocol; knows no nonces and no order
// between types. Not thread-safe: its session owns it.
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
  using Items = std::vector<std::shared_ptr<const SnapshotItem>>;

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
  // The client says it holds this version, from an earlier stream.
  void Claim(const std::string& name, const std::string& version);

  // Plans the name if what the client holds differs from `table`, and takes it off the plan if not.
  void Plan(std::string_view name, const SnapshotTable& table);
  // Plans it whatever the client holds; an unknown name is answered as absent.
  void PlanAnyway(const std::string& name, const SnapshotTable& table);
  void PlanEverything(const SnapshotTable& table);

  bool has_updates() const { return !updates_.empty(); }
  bool has_removals() const { return !removals_.empty(); }
  bool has_absent() const { return !absent_.empty(); }

  // Takes planned updates, in name order, until their bytes would go over the limit; at least one.
  // They count as held from now on.
  Items TakeUpdates(std::size_t bytes);
  // Takes planned removals; those no longer count as held.
  std::vector<std::string> TakeRemovals(std::size_t bytes);
  // Names that were asked for and do not exist.
  std::vector<std::string> TakeAbsent(std::size_t bytes);

  // The version the client holds or has been sent; nullptr if none.
  const std::string* HeldVersion(std::string_view name) const;
  void Hold(std::shared_ptr<const SnapshotItem> item);

 private:
  bool wildcard_ = false;
  std::set<std::string, std::less<>> names_;
  // Keys are the items' own names. A claimed item has no bytes.
  std::map<std::string_view, std::shared_ptr<const SnapshotItem>> held_;

  std::map<std::string_view, std::shared_ptr<const SnapshotItem>> updates_;
  std::set<std::string, std::less<>> removals_;
  std::set<std::string, std::less<>> absent_;
};

}  // namespace sluice::controlplane
