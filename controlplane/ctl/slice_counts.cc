#include "controlplane/ctl/slice_counts.h"

#include "sluice/v1/endpoint_slice.pb.h"

namespace sluice::ctl {

Answer<std::map<std::string, int>> CountSliceEndpoints(Client& client, const std::string& ns) {
  auto slices = client.List(*model::FindKind("EndpointSlice"), ns, "");
  if (!slices) return tl::unexpected(std::move(slices.error()));
  std::map<std::string, int> counts;
  for (const auto& slice : slices->resources) {
    const auto& spec = slice.As<v1::EndpointSlice>().spec();
    counts[slice.key().ns + "/" + spec.upstream()] += spec.endpoints_size();
  }
  return counts;
}

}  // namespace sluice::ctl
