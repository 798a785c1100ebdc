// Which objects a list or a watch speaks of: one kind, one namespace or all, a label selector, a
// name. Immutable.
#pragma once

#include <string>

#include "common/model/resource.h"
#include "controlplane/api/label_selector.h"
#include "controlplane/api/refusal.h"

namespace sluice::controlplane {

struct ResourceFilter {
  const model::Kind* kind;
  std::string ns;  // Empty: all.
  LabelSelector selector;
  std::string name = {};  // Empty: all.

  static Answer<ResourceFilter> Parse(const std::string& kind, const std::string& ns,
                                      const std::string& label_selector);

  bool Selects(const model::Resource& resource) const;
};

}  // namespace sluice::controlplane
