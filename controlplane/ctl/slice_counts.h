// How many endpoints the slices add to each upstream.
#pragma once

#include <map>
#include <string>

#include "controlplane/ctl/client.h"

namespace sluice::ctl {

// Keys are `namespace/upstream`. `ns` empty: all namespaces.
Answer<std::map<std::string, int>> CountSliceEndpoints(Client& client, const std::string& ns);

}  // namespace sluice::ctl
