#include "dataplane/compile/state_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace sluice::dataplane {

template <typename T, typename... Arguments>
std::shared_ptr<T> StateTable::FindOrMake(ByIdentity<T>& table, std::string key,
                                          const Arguments&... arguments) {
  if (const auto found = table.find(key); found != table.end()) {
    if (auto living = found->second.lock()) return living;
  }
  SweepWhenGrown();
  auto made = std::make_shared<T>(arguments...);
  table[std::move(key)] = made;
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
  if (const auto found = upstreams_.find(name); found != upstreams_.end()) {
    if (auto shared = found->second.shared.lock()) return shared;
    found->second.shared = {};
    // Same name, same slot: nobody else got it meanwhile.
    auto shared = std::make_shared<UpstreamShared>(name, found->second.slot, workers_);
    found->second.shared = shared;
    return shared;
  }
  SweepWhenGrown();
  std::uint32_t slot = slots_;
  if (free_slots_.empty()) {
    ++slots_;
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  auto shared = std::make_shared<UpstreamShared>(name, slot, workers_);
  upstreams_[name] = {shared, slot};
  return shared;
}

void StateTable::SweepWhenGrown() {
  if (size() >= sweep_at_) Sweep();
}

void StateTable::Sweep() {
  const auto unused = [](const auto& entry) { return entry.second.expired(); };
  std::erase_if(endpoints_, unused);
  std::erase_if(listeners_, unused);
  std::erase_if(slots_of_, unused);
  std::erase_if(key_slots_, unused);
  std::erase_if(upstreams_, [this](const auto& entry) {
    if (!entry.second.shared.expired()) return false;
    free_slots_.push_back(entry.second.slot);
    return true;
  });
  std::sort(free_slots_.begin(), free_slots_.end(), std::greater<>());
  sweep_at_ = 64 + 2 * size();
}

}  // namespace sluice::dataplane
