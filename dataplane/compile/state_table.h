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
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/base/address.h"
#include "dataplane/phases/key_slot_table.h"
#include "dataplane/phases/slot_counter.h"
#include "dataplane/runtime/runtime_config.h"
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
    return endpoints_.size() + upstreams_.size() + listeners_.size() + slots_of_.size() +
           key_slots_.size();
  }

 private:
  // Forgets what nobody uses, once as much was added as was alive after the last sweep.
  void SweepWhenGrown();
  void Sweep();

  template <typename T>
  using ByIdentity = std::unordered_map<std::string, std::weak_ptr<T>>;
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
  std::unordered_map<std::string, UpstreamEntry> upstreams_;
  std::vector<std::uint32_t> free_slots_;  // Highest first.
  std::uint32_t slots_ = 0;
  std::size_t sweep_at_ = 64;
};

}  // namespace sluice::dataplane
