// What outlives a runtime config, by stable identity: endpoint states by (upstream, address),
// shared blocks of upstreams and listeners by name. The table holds nothing alive by itself: an
// entry lives as long as a config or a session uses it, so a name that comes back while old
// sessions run finds its old state, and one that nobody uses costs nothing. Its size is therefore
// bounded by what is configured and what live sessions still hold. Control thread only; what it
// hands out is shared with workers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/address.h"
#include "dataplane/config/runtime_config.h"
#include "dataplane/tables/key_slot_table.h"
#include "dataplane/tables/slot_counter.h"
#include "dataplane/upstream/endpoint_state.h"

namespace sluice::dataplane {

class StateTable {
 public:
  explicit StateTable(std::size_t workers) : workers_(workers) {}

  std::shared_ptr<EndpointState> Endpoint(std::string_view upstream, const SocketAddress& address);
  // Slots are small numbers: below twice the number of upstreams ever alive at a time (plus 64).
  std::shared_ptr<UpstreamShared> Upstream(const std::string& name);
  std::shared_ptr<ListenerShared> Listener(const std::string& name);
  // Of limits.connections.
  std::shared_ptr<SlotCounter> Slots(const std::string& listener);
  // Of one entry of limits.perKey.
  std::shared_ptr<KeySlotTable> KeySlots(const std::string& listener, std::string_view key);

  // Entries in the table, expired ones that were not swept yet included.
  std::size_t size() const {
    return endpoints_.rows.size() + upstreams_.rows.size() + listeners_.rows.size() +
           slots_of_.rows.size() + key_slots_.rows.size();
  }

 private:
  template <typename Entry>
  struct Table {
    std::unordered_map<std::string, Entry> rows;
    std::size_t next_bucket = 0;  // To be looked into.
  };
  // With each row that is added a few others are looked at, in turn, and forgotten when nobody uses
  // them, so that no change waits for all of them. All have had their turn when a quarter as many
  // rows as there are buckets have been added.
  template <typename Entry, typename Forget>
  static void SweepSome(Table<Entry>& table, Forget forget);

  template <typename T>
  using ByIdentity = Table<std::weak_ptr<T>>;
  // The living entry, or a new one.
  template <typename T, typename... Arguments>
  std::shared_ptr<T> FindOrMake(ByIdentity<T>& table, std::string key,
                                const Arguments&... arguments);

  const std::size_t workers_;
  ByIdentity<EndpointState> endpoints_;
  ByIdentity<ListenerShared> listeners_;
  ByIdentity<SlotCounter> slots_of_;
  ByIdentity<KeySlotTable> key_slots_;
  struct UpstreamEntry {
    std::weak_ptr<UpstreamShared> shared;
    std::uint32_t slot;
  };
  Table<UpstreamEntry> upstreams_;
  std::set<std::uint32_t> free_slots_;
  std::uint32_t slots_ = 0;
};

}  // namespace sluice::dataplane
