#include "common/model/kind.h"

#include <algorithm>
#include <array>

#include "common/model/access_policy.h"
#include "common/model/data_plane.h"
#include "common/model/endpoint_slice.h"
#include "common/model/listener.h"
#include "common/model/upstream.h"
#include "sluice/v1/access_policy.pb.h"
#include "sluice/v1/data_plane.pb.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/listener.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::model {
namespace {

template <typename T>
const google::protobuf::Message& Prototype() {
  return T::default_instance();
}

constexpr std::array<std::string_view, 2> kUpstreamShort{"up", "ups"};
constexpr std::array<std::string_view, 2> kAccessPolicyShort{"ap", "policy"};
constexpr std::array<std::string_view, 2> kEndpointSliceShort{"es", "slice"};
constexpr std::array<std::string_view, 2> kListenerShort{"lis", "l"};
constexpr std::array<std::string_view, 2> kDataPlaneShort{"dp", "node"};

// In rank order.
const std::array<Kind, 5> kKinds{{
    {
        .name = "Upstream",
        .plural = "upstreams",
        .short_names = kUpstreamShort,
        .type_url = "type.googleapis.com/sluice.v1.Upstream",
        .read_only = false,
        .rank = 0,
        .prototype = Prototype<v1::Upstream>,
        .validate = ValidateUpstream,
        .references = UpstreamReferences,
        .addresses = UpstreamAddresses,
        .templates = UpstreamTemplates,
    },
    {
        .name = "AccessPolicy",
        .plural = "accesspolicies",
        .short_names = kAccessPolicyShort,
        .type_url = "type.googleapis.com/sluice.v1.AccessPolicy",
        .read_only = false,
        .rank = 1,
        .prototype = Prototype<v1::AccessPolicy>,
        .validate = ValidateAccessPolicy,
        .references = AccessPolicyReferences,
    },
    {
        .name = "EndpointSlice",
        .plural = "endpointslices",
        .short_names = kEndpointSliceShort,
        .type_url = "type.googleapis.com/sluice.v1.EndpointSlice",
        .read_only = false,
        .rank = 2,
        .prototype = Prototype<v1::EndpointSlice>,
        .validate = ValidateEndpointSlice,
        .references = EndpointSliceReferences,
        .addresses = EndpointSliceAddresses,
    },
    {
        .name = "Listener",
        .plural = "listeners",
        .short_names = kListenerShort,
        .type_url = "type.googleapis.com/sluice.v1.Listener",
        .read_only = false,
        .rank = 3,
        .prototype = Prototype<v1::Listener>,
        .validate = ValidateListener,
        .references = ListenerReferences,
        .addresses = ListenerAddresses,
        .templates = ListenerTemplates,
    },
    {
        .name = "DataPlane",
        .plural = "dataplanes",
        .short_names = kDataPlaneShort,
        .type_url = "type.googleapis.com/sluice.v1.DataPlane",
        .read_only = true,
        .rank = 4,
        .prototype = Prototype<v1::DataPlane>,
        .validate = ValidateDataPlane,
        .references = DataPlaneReferences,
    },
}};

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool SameIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

}  // namespace

std::span<const Kind> Kinds() { return kKinds; }

const Kind* FindKind(std::string_view name) {
  for (const Kind& kind : kKinds) {
    if (SameIgnoringCase(name, kind.name) || SameIgnoringCase(name, kind.plural) ||
        std::any_of(kind.short_names.begin(), kind.short_names.end(),
                    [&](std::string_view s) { return SameIgnoringCase(name, s); })) {
      return &kind;
    }
  }
  return nullptr;
}

const Kind* FindKindByTypeUrl(std::string_view type_url) {
  for (const Kind& kind : kKinds) {
    if (kind.type_url == type_url) return &kind;
  }
  return nullptr;
}

}  // namespace sluice::model
