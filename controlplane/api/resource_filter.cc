#include "controlplane/api/resource_filter.h"

#include "controlplane/api/object_ref.h"

namespace sluice::controlplane {

Answer<ResourceFilter> ResourceFilter::Parse(const std::string& kind, const std::string& ns,
                                             const std::string& label_selector) {
  auto found = KindOf(kind);
  if (!found) return tl::unexpected(found.error());
  auto selector = LabelSelector::Parse(label_selector);
  if (!selector) return Refuse(selector.error());
  return ResourceFilter{*found, ns, std::move(*selector)};
}

bool ResourceFilter::Selects(const model::Resource& resource) const {
  return &resource.kind() == kind && (ns.empty() || resource.key().ns == ns) &&
         (name.empty() || resource.key().name == name) &&
         selector.Selects(resource.meta().labels());
}

}  // namespace sluice::controlplane
