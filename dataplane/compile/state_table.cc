#include "dataplane/compile/state_table.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace sluice::dataplane {

template <typename Entry, typename Forget>
void StateTable::SweepSome(Table<Entry>& table, Forget forget) {
  constexpr int kBuckets = 4;
  std::vector<std::string> unused;
  for (int i = 0; i < kBuckets && table.rows.bucket_count() > 0; ++i) {
    const std::size_t bucket = table.next_bucket++ % table.rows.bucket_count();
    for (auto row = table.rows.cbegin(bucket); row != table.rows.cend(bucket); ++row) {
      if (forget(row->second)) unused.push_back(row->first);
    }
  }
  for (const std::string& key : unused) table.rows.erase(key);
}

template <typename T, typename... Arguments>
std::shared_ptr<T> StateTable::FindOrMake(ByIdentity<T>& table, std::string key,
                                          const Arguments&... arguments) {
  if (const auto found = table.rows.find(key); found != table.rows.end()) {
    if (auto living = found->second.lock()) return living;
  }
  SweepSome(table, [](const std::weak_ptr<T>& state) { return state.expired(); });
  auto made = std::make_shared<T>(arguments...);
  table.rows[std::move(key)] = made;
  return made;
}

std::shared_ptr<EndpointState> StateTable::Endpoint(std::string_view upstream,
                                                    const SocketAddress& address) {
  return FindOrMake(endpoints_, fmt::format("{} {}", upstream, address.Text()));
}

std::shared_ptr<ListenerShared> StateTable::Listener(const std::string& name) {
  return FindOrMake(listeners_, name, name, workers_);
}

std::shared_ptr<SlotCounter> StateTable::Slots(const std::string& listener) {
  return FindOrMake(slots_of_, listener);
}

std::shared_ptr<KeySlotTable> StateTable::KeySlots(const std::string& listener,
                                                   std::string_view key) {
  return FindOrMake(key_slots_, fmt::format("{} {}", listener, key));
}

std::shared_ptr<UpstreamShared> StateTable::Upstream(const std::string& name) {
  if (const auto found = upstreams_.rows.find(name); found != upstreams_.rows.end()) {
    if (auto shared = found->second.shared.lock()) return shared;
    found->second.shared = {};
    // Same name, same slot: nobody else got it meanwhile.
    auto shared = std::make_shared<UpstreamShared>(name, found->second.slot, workers_);
    found->second.shared = shared;
    return shared;
  }
  SweepSome(upstreams_, [this](const UpstreamEntry& entry) {
    if (!entry.shared.expired()) return false;
    free_slots_.insert(entry.slot);
    return true;
  });
  const std::uint32_t slot =
      free_slots_.empty() ? slots_++ : free_slots_.extract(free_slots_.begin()).value();
  auto shared = std::make_shared<UpstreamShared>(name, slot, workers_);
  upstreams_.rows[name] = {shared, slot};
  return shared;
}

}  // namespace sluice::dataplane
