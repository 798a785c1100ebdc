// A fleet whose nodes and statuses a test sets by hand. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "controlplane/fleet/fleet_view.h"

namespace sluice::test {

class FakeFleet final : public controlplane::FleetView {
 public:
  // Each tells the subscribers afterwards.
  void SetDataPlanes(std::vector<model::Resource> planes);
  // Condition Synced of the object, with this message.
  void SetSynced(const model::ResourceKey& key, const std::string& message);
  void SetProgress(v1::RolloutResponse progress);

  std::vector<model::Resource> DataPlanes() const override;
  v1::ObjectStatus StatusOf(const model::Resource& resource) const override;
  v1::RolloutResponse Progress(std::int64_t generation,
                               const std::vector<model::ResourceKey>& objects) const override;
  std::shared_ptr<void> OnChange(std::function<void()> callback) override;

 private:
  void Tell();

  mutable std::mutex mutex_;
  std::vector<model::Resource> planes_;
  std::map<model::ResourceKey, std::string> synced_;
  v1::RolloutResponse progress_;
  std::vector<std::weak_ptr<std::function<void()>>> callbacks_;
};

}  // namespace sluice::test
