// One page of a list. Pages go on after the last name of the one before, so objects that come and
// go between pages move no others; all pages say the generation of the first, so a watch from there
// misses nothing. Tokens are opaque, made of what the request asked for. Thread-safe.
#pragma once

#include "controlplane/api/refusal.h"
#include "controlplane/api/resource_view.h"
#include "sluice/v1/resources.pb.h"

namespace sluice::controlplane {

// A page ends at the asked number of objects or at limits::kListPageBytes, whichever is first.
Answer<v1::ListResponse> ListPage(const v1::ListRequest& request, const ResourceView& view);

}  // namespace sluice::controlplane
