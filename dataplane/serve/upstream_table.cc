#include "dataplane/serve/upstream_table.h"

#include <utility>

#include "common/base/check.h"

namespace sluice::dataplane {

std::shared_ptr<UpstreamSlot> UpstreamTable::SlotOf(const UpstreamShared& upstream) const {
  if (upstream.slot >= entries_.size()) return nullptr;
  std::shared_ptr<UpstreamSlot> slot = entries_[upstream.slot].last.lock();
  if (slot == nullptr || slot->in_force->config->shared.get() != &upstream) return nullptr;
  return slot;
}

void UpstreamTable::Put(std::shared_ptr<const UpstreamConfig> form) {
  const std::uint32_t number = form->shared->slot;
  std::shared_ptr<UpstreamSlot> slot = SlotOf(*form->shared);
  const WorkerUpstream* before = slot == nullptr ? nullptr : slot->in_force.get();
  auto in_force = std::make_shared<WorkerUpstream>(std::move(form), before, worker_);
  if (slot == nullptr) {
    slot = std::make_shared<UpstreamSlot>(UpstreamSlot{std::move(in_force)});
  } else {
    slot->in_force = std::move(in_force);
  }
  if (number >= entries_.size()) entries_.resize(number + 1);
  entries_[number] = {slot, slot};
}

void UpstreamTable::Remove(std::uint32_t slot) {
  if (slot < entries_.size()) entries_[slot].in_force = nullptr;
}

WorkerListener::Upstreams UpstreamTable::Find(
    const std::vector<std::shared_ptr<UpstreamShared>>& upstreams) const {
  WorkerListener::Upstreams found;
  found.reserve(upstreams.size());
  for (const auto& upstream : upstreams) {
    found.push_back(SlotOf(*upstream));
    SLUICE_CHECK(found.back() != nullptr);
  }
  return found;
}

}  // namespace sluice::dataplane
