#include "controlplane/api/resource_view.h"

#include "common/base/check.h"

namespace sluice::controlplane {

google::protobuf::Any WithStatus(const model::Resource& resource, const v1::ObjectStatus& status) {
  std::unique_ptr<google::protobuf::Message> message(resource.message().New());
  message->CopyFrom(resource.message());
  const auto* field = message->GetDescriptor()->FindFieldByName("status");
  SLUICE_CHECK(field != nullptr);
  message->GetReflection()->MutableMessage(message.get(), field)->CopyFrom(status);
  google::protobuf::Any any;
  any.PackFrom(*message);
  return any;
}

std::optional<google::protobuf::Any> ResourceView::Find(const model::ResourceKey& key) const {
  if (key.kind->read_only) {
    for (const model::Resource& resource : fleet_.DataPlanes()) {
      if (resource.key() == key) return Render(resource);
    }
    return std::nullopt;
  }
  const auto state = catalog_.Current();
  const model::Resource* stored = state->resources.Find(key);
  if (stored == nullptr) return std::nullopt;
  return Render(*stored);
}

std::int64_t ResourceView::ForEach(const ResourceFilter& filter,
                                   const std::function<void(const model::Resource&)>& visit) const {
  const auto visit_selected = [&](const model::Resource& resource) {
    if (filter.Selects(resource)) visit(resource);
  };
  const auto state = catalog_.Current();
  if (filter.kind->read_only) {
    for (const model::Resource& resource : fleet_.DataPlanes()) visit_selected(resource);
  } else {
    state->resources.ForEachOf(*filter.kind, visit_selected);
  }
  return state->generation;
}

google::protobuf::Any ResourceView::Render(const model::Resource& resource) const {
  return resource.kind().read_only ? resource.ToAny()
                                   : WithStatus(resource, fleet_.StatusOf(resource));
}

}  // namespace sluice::controlplane
