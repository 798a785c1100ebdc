// How requests name objects, to and from the model's keys. Pure.
#pragma once

#include <string_view>

#include "common/model/resource.h"
#include "controlplane/api/refusal.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::controlplane {

// Kind by name, plural or short name; the refusal lists the kinds.
Answer<const model::Kind*> KindOf(std::string_view name);

// Refused: an unknown kind, no name. An empty namespace becomes the default one.
Answer<model::ResourceKey> KeyOf(const v1::ObjectRef& object);

v1::ObjectRef RefOf(const model::ResourceKey& key);

}  // namespace sluice::controlplane
