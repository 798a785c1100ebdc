// What one worker remembers of each upstream between picks, for the configuration in force.
// Worker thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/config/runtime_config.h"

namespace sluice::dataplane {

class BalancerMemories {
 public:
  // The memory that belongs to `upstream`. A session whose upstream has been replaced since it
  // began (it is still connecting) gets one that knows nothing, valid until the next call.
  BalancerMemory& Of(const UpstreamConfig& upstream);

  // The upstreams of `listeners` are in force: what was known of an upstream is carried over to its
  // new form, what belongs to no upstream any more is forgotten.
  void Follow(const std::vector<std::shared_ptr<const ListenerConfig>>& listeners);

 private:
  struct Form {
    std::shared_ptr<const UpstreamConfig> upstream;
    std::unique_ptr<BalancerMemory> memory;
    std::uint64_t named_by;  // The last Follow() that named it.
  };
  // By UpstreamShared::slot. Two forms of one upstream are in force while a listener that could not
  // be bound anew keeps its earlier configuration.
  std::vector<std::vector<Form>> slots_;
  std::unique_ptr<BalancerMemory> passing_;
  std::uint64_t follows_ = 0;
};

}  // namespace sluice::dataplane
