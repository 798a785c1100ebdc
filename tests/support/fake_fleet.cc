#include "tests/support/fake_fleet.h"

#include <utility>

namespace sluice::test {

void FakeFleet::SetDataPlanes(std::vector<model::Resource> planes) {
  {
    const std::lock_guard lock(mutex_);
    planes_ = std::move(planes);
  }
  Tell();
}

void FakeFleet::SetSynced(const model::ResourceKey& key, const std::string& message) {
  {
    const std::lock_guard lock(mutex_);
    synced_[key] = message;
  }
  Tell();
}

void FakeFleet::SetProgress(v1::RolloutResponse progress) {
  {
    const std::lock_guard lock(mutex_);
    progress_ = std::move(progress);
  }
  Tell();
}

std::vector<model::Resource> FakeFleet::DataPlanes() const {
  const std::lock_guard lock(mutex_);
  return planes_;
}

v1::ObjectStatus FakeFleet::StatusOf(const model::Resource& resource) const {
  v1::ObjectStatus status;
  status.set_observed_generation(resource.meta().generation());
  const std::lock_guard lock(mutex_);
  const auto found = synced_.find(resource.key());
  if (found != synced_.end()) {
    v1::Condition& condition = *status.add_conditions();
    condition.set_type("Synced");
    condition.set_status(v1::Condition::TRUE);
    condition.set_message(found->second);
  }
  return status;
}

v1::RolloutResponse FakeFleet::Progress(std::int64_t,
                                        const std::vector<model::ResourceKey>&) const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

std::shared_ptr<void> FakeFleet::OnChange(std::function<void()> callback) {
  auto kept = std::make_shared<std::function<void()>>(std::move(callback));
  const std::lock_guard lock(mutex_);
  callbacks_.push_back(kept);
  return kept;
}

void FakeFleet::Tell() {
  std::vector<std::weak_ptr<std::function<void()>>> callbacks;
  {
    const std::lock_guard lock(mutex_);
    callbacks = callbacks_;
  }
  for (const auto& weak : callbacks) {
    if (const auto callback = weak.lock()) (*callback)();
  }
}

}  // namespace sluice::test
