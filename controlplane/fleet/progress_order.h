// Nodes in the order of how far they have come: says how many have reached a generation, and who is
// farthest behind, without looking at the others. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ext/pb_ds/assoc_container.hpp>
#include <ext/pb_ds/tree_policy.hpp>
#include <functional>
#include <string_view>
#include <tuple>

namespace sluice::controlplane {

struct Member;

struct ProgressPlace {
  std::int64_t reached;
  std::string_view node_id;  // The member's own.
  const Member* member;

  friend bool operator<(const ProgressPlace& a, const ProgressPlace& b) {
    return std::tie(a.reached, a.node_id) < std::tie(b.reached, b.node_id);
  }
};

class ProgressOrder {
 public:
  // A red-black tree whose nodes know the size of their subtrees: everything below is logarithmic.
  using Tree =
      __gnu_pbds::tree<ProgressPlace, __gnu_pbds::null_type, std::less<>, __gnu_pbds::rb_tree_tag,
                       __gnu_pbds::tree_order_statistics_node_update>;

  void Insert(const ProgressPlace& place) { tree_.insert(place); }
  void Erase(const ProgressPlace& place) { tree_.erase(place); }
  bool Contains(const ProgressPlace& place) const { return tree_.find(place) != tree_.end(); }
  bool empty() const { return tree_.empty(); }
  std::size_t size() const { return tree_.size(); }
  std::size_t CountFrom(std::int64_t generation) const {
    return tree_.size() - tree_.order_of_key({generation, {}, nullptr});
  }
  // Those farthest behind first, by node id among equals.
  Tree::const_iterator begin() const { return tree_.begin(); }
  Tree::const_iterator end() const { return tree_.end(); }

 private:
  Tree tree_;
};

}  // namespace sluice::controlplane
