// ValidateRelations: one function a rule, each over the part of the set that the change can touch.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/base/address.h"
#include "common/base/check.h"
#include "common/base/limits.h"
#include "common/base/text_format.h"
#include "common/model/field_check.h"
#include "common/model/upstream.h"
#include "common/model/upstream_endpoints.h"
#include "common/model/validate.h"
#include "common/model/variables.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/listener.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::model {
namespace {

using Selector = google::protobuf::Map<std::string, std::string>;

struct KnownKinds {
  const Kind* upstream = FindKind("Upstream");
  const Kind* slice = FindKind("EndpointSlice");
  const Kind* listener = FindKind("Listener");
};

// What is asked, and where the answer is collected.
class RelationsCheck {
 public:
  RelationsCheck(const ResourceSet& resources, const std::vector<ResourceKey>& changed)
      : set(resources), changed_keys(changed.begin(), changed.end()) {}

  const ResourceSet& set;
  const std::set<ResourceKey> changed_keys;
  const KnownKinds kinds;
  std::vector<ObjectViolation> violations;

  bool Changed(const Resource& resource) const { return changed_keys.contains(resource.key()); }
  bool Full() const { return violations.size() >= limits::kViolationsCounted; }
  void Refuse(const Resource& object, const std::string& field, std::string_view problem,
              std::optional<ResourceKey> missing = std::nullopt) {
    if (Full()) return;
    violations.push_back(
        {object.key(), {field, fmt::format("`{}` {}", field, problem)}, std::move(missing)});
  }
};

void CheckReferencesOf(const Resource& resource, RelationsCheck& check) {
  for (const Reference& reference : resource.kind().references(resource.message())) {
    ResourceKey target{reference.kind, resource.key().ns, reference.name};
    if (check.set.Find(target) != nullptr) continue;
    const std::string problem =
        fmt::format("must name an existing {} of namespace '{}', got {}", reference.kind->name,
                    resource.key().ns, Quoted(reference.name));
    check.Refuse(resource, reference.field, problem, std::move(target));
  }
}

void CheckReferences(RelationsCheck& check) {
  std::set<ResourceKey> left_behind;
  for (const ResourceKey& key : check.changed_keys) {
    if (const Resource* resource = check.set.Find(key)) {
      CheckReferencesOf(*resource, check);
      continue;
    }
    for (const Resource* referrer : check.set.Referrers(key)) {
      if (!check.Changed(*referrer)) left_behind.insert(referrer->key());
    }
  }
  for (const ResourceKey& key : left_behind) CheckReferencesOf(*check.set.Find(key), check);
}

// Names of variables. The first problem of each text: the next is seldom another mistake.
void CheckTemplates(RelationsCheck& check) {
  for (const ResourceKey& key : check.changed_keys) {
    const Resource* resource = check.set.Find(key);
    if (resource == nullptr || key.kind->templates == nullptr) continue;
    for (const TemplateField& field : key.kind->templates(resource->message())) {
      const auto parts = ParseTemplate(field.text, field.use);
      SLUICE_CHECK(parts.has_value());  // The resource is valid on its own.
      for (const TemplatePart& part : *parts) {
        const auto* variable = std::get_if<VariableName>(&part);
        if (variable == nullptr) continue;
        if (const auto known = ResolveVariable(variable->name, field.use); !known) {
          check.Refuse(*resource, field.field, known.error().message);
          break;
        }
      }
    }
  }
}

std::string AddressField(const PlacedEndpoint& placed) {
  return Item("spec.endpoints", placed.index) + ".address";
}

// Upstreams whose list of endpoints or policy may have changed, with those of their slices that
// did.
std::map<ResourceKey, std::vector<const Resource*>> ChangedUpstreams(const RelationsCheck& check) {
  std::map<ResourceKey, std::vector<const Resource*>> upstreams;
  for (const ResourceKey& key : check.changed_keys) {
    const Resource* resource = check.set.Find(key);
    if (resource == nullptr) continue;
    if (key.kind == check.kinds.upstream) upstreams[key];
    if (key.kind == check.kinds.slice) {
      upstreams[EndpointsIn(*resource)->upstream].push_back(resource);
    }
  }
  return upstreams;
}

void CheckEndpointsOnce(const ResourceKey& upstream, const std::vector<PlacedEndpoint>& endpoints,
                        RelationsCheck& check) {
  std::map<SocketAddress, const PlacedEndpoint*> first_at;
  for (const PlacedEndpoint& placed : endpoints) {
    if (check.Full()) return;
    const std::optional<SocketAddress>& address = placed.object->addresses()[placed.index];
    if (!address) continue;
    const auto [first, fresh] = first_at.emplace(*address, &placed);
    if (fresh || first->second->object == placed.object)
      continue;  // The object's own twin is its own violation.
    // Whoever changed is told.
    const bool tell_later = check.Changed(*placed.object);
    const PlacedEndpoint& told = tell_later ? placed : *first->second;
    const PlacedEndpoint& other = tell_later ? *first->second : placed;
    check.Refuse(*told.object, AddressField(told),
                 fmt::format("must be once in {}, got {} that {} has too", upstream.Text(),
                             Quoted(told.endpoint->address()), other.object->key().Text()));
  }
}

void CheckEndpointTotal(const ResourceKey& upstream, const std::vector<PlacedEndpoint>& endpoints,
                        RelationsCheck& check) {
  if (endpoints.size() <= limits::kUpstreamEndpoints) return;
  const auto changed = std::find_if(endpoints.begin(), endpoints.end(), [&](const auto& placed) {
    return check.Changed(*placed.object);
  });
  const Resource& told = changed == endpoints.end() ? *endpoints.front().object : *changed->object;
  check.Refuse(told, "spec.endpoints",
               fmt::format("must leave {} with at most {} endpoints, slices included, got {}",
                           upstream.Text(), limits::kUpstreamEndpoints, endpoints.size()));
}

void CheckSliceBackups(const ResourceKey& key, const std::vector<PlacedEndpoint>& endpoints,
                       RelationsCheck& check) {
  const Resource* upstream = check.set.Find(key);
  if (upstream == nullptr) return;
  const auto policy = upstream->As<v1::Upstream>().spec().balance().policy();
  if (AllowsBackup(policy)) return;
  for (const PlacedEndpoint& placed : endpoints) {
    if (!placed.endpoint->backup() || placed.object == upstream) continue;
    const std::string& name = v1::Balance::Policy_Name(policy);
    if (check.Changed(*placed.object)) {
      check.Refuse(*placed.object, Item("spec.endpoints", placed.index) + ".backup",
                   fmt::format("must not be true with balance policy {} of {}", name, key.Text()));
    } else {
      check.Refuse(*upstream, "spec.balance.policy",
                   fmt::format("must be ROUND_ROBIN or LEAST_CONNECTIONS while {} has a backup "
                               "endpoint, got '{}'",
                               placed.object->key().Text(), name));
    }
  }
}

bool IsUdp(const Resource& listener) {
  return listener.As<v1::Listener>().spec().protocol() == v1::ListenerSpec::UDP;
}

bool IsUnix(const v1::Endpoint& endpoint) { return endpoint.address().starts_with("unix:"); }

// An upstream that changed against UDP listeners that did not.
void CheckUnixBehindUdp(const ResourceKey& upstream, const std::vector<PlacedEndpoint>& endpoints,
                        RelationsCheck& check) {
  const auto placed = std::find_if(endpoints.begin(), endpoints.end(),
                                   [](const auto& e) { return IsUnix(*e.endpoint); });
  if (placed == endpoints.end()) return;
  for (const Resource* referrer : check.set.Referrers(upstream)) {
    if (&referrer->kind() != check.kinds.listener || !IsUdp(*referrer)) continue;
    if (check.Changed(*referrer)) continue;
    check.Refuse(*placed->object, AddressField(*placed),
                 fmt::format("must be host:port because {} is for UDP, got {}",
                             referrer->key().Text(), Quoted(placed->endpoint->address())));
    return;
  }
}

// UDP listeners that changed against their upstreams.
void CheckUdpListeners(RelationsCheck& check) {
  std::map<ResourceKey, std::string> unix_of;  // An endpoint on a unix socket, or empty.
  for (const ResourceKey& key : check.changed_keys) {
    if (key.kind != check.kinds.listener) continue;
    const Resource* listener = check.set.Find(key);
    if (listener == nullptr || !IsUdp(*listener)) continue;
    for (const Reference& reference : listener->kind().references(listener->message())) {
      if (reference.kind != check.kinds.upstream) continue;
      const ResourceKey upstream{reference.kind, key.ns, reference.name};
      const auto [known, fresh] = unix_of.try_emplace(upstream);
      if (fresh) {
        for (const PlacedEndpoint& placed : EndpointsOf(check.set, upstream)) {
          if (IsUnix(*placed.endpoint)) known->second = placed.endpoint->address();
        }
      }
      if (known->second.empty()) continue;
      check.Refuse(*listener, reference.field,
                   fmt::format("must name an Upstream without unix sockets because the listener "
                               "is for UDP, got {} with {}",
                               Quoted(reference.name), Quoted(known->second)));
    }
  }
}

// Nothing is wrong with the slices that changed, as far as the counts that the set keeps tell: the
// upstream's other slices need not be read then.
bool SlicesFit(const ResourceKey& key, const std::vector<const Resource*>& slices,
               const RelationsCheck& check) {
  if (check.changed_keys.contains(key)) return false;
  if (check.set.EndpointCount(key) > limits::kUpstreamEndpoints) return false;
  const Resource* upstream = check.set.Find(key);
  const bool backups =
      upstream == nullptr || AllowsBackup(upstream->As<v1::Upstream>().spec().balance().policy());
  const auto free = [&](const std::optional<SocketAddress>& address) {
    return !address || (!address->is_unix() && check.set.EndpointsAt(key, *address) <= 1);
  };
  return std::all_of(slices.begin(), slices.end(), [&](const Resource* slice) {
    const Endpoints& endpoints = *EndpointsIn(*slice)->endpoints;
    const auto& addresses = slice->addresses();
    return std::all_of(addresses.begin(), addresses.end(), free) &&
           (backups || std::none_of(endpoints.begin(), endpoints.end(),
                                    [](const v1::Endpoint& e) { return e.backup(); }));
  });
}

void CheckUpstreams(RelationsCheck& check) {
  for (const auto& [upstream, slices] : ChangedUpstreams(check)) {
    if (check.Full()) return;
    if (SlicesFit(upstream, slices, check)) continue;
    const std::vector<PlacedEndpoint> endpoints = EndpointsOf(check.set, upstream);
    CheckEndpointTotal(upstream, endpoints, check);
    CheckEndpointsOnce(upstream, endpoints, check);
    CheckSliceBackups(upstream, endpoints, check);
    CheckUnixBehindUdp(upstream, endpoints, check);
  }
}

// Could one node carry the labels of both? Not when they want different values of a label.
bool CanShareNode(const Selector& a, const Selector& b) {
  return std::none_of(a.begin(), a.end(), [&](const auto& label) {
    const auto other = b.find(label.first);
    return other != b.end() && other->second != label.second;
  });
}

struct Place {
  SocketAddress address;
  v1::ListenerSpec::Protocol protocol;

  friend bool operator==(const Place&, const Place&) = default;
  friend auto operator<=>(const Place&, const Place&) = default;
};

std::optional<Place> PlaceOf(const Resource& listener) {
  const std::optional<SocketAddress>& address = listener.addresses().front();
  if (!address) return std::nullopt;
  return Place{*address, listener.As<v1::Listener>().spec().protocol()};
}

bool Meet(const Resource& one, const Resource& other) {
  return CanShareNode(one.As<v1::Listener>().spec().node_selector(),
                      other.As<v1::Listener>().spec().node_selector());
}

// Of two that meet, one is told: the later, unless only the earlier has changed. Once, whomever
// else it meets.
void CheckListenersAt(const std::vector<const Resource*>& listeners, RelationsCheck& check) {
  for (std::size_t i = 0; i < listeners.size() && !check.Full(); ++i) {
    const Resource& told = *listeners[i];
    if (!check.Changed(told)) continue;
    const auto tells = [&](const Resource* const& other) {
      const bool later = &other > &listeners[i];
      return other != &told && !(later && check.Changed(*other)) && Meet(told, *other);
    };
    const auto other = std::find_if(listeners.begin(), listeners.end(), tells);
    if (other == listeners.end()) continue;
    const auto& spec = told.As<v1::Listener>().spec();
    check.Refuse(told, "spec.address",
                 fmt::format("must be free on every data plane, got {} {} that {} has too on "
                             "nodes that both may select",
                             v1::ListenerSpec::Protocol_Name(spec.protocol()),
                             Quoted(spec.address()), (*other)->key().Text()));
  }
}

// Listeners of all namespaces meet on the nodes. `0.0.0.0:53` beside `127.0.0.1:53` is two places.
void CheckListenerPlaces(RelationsCheck& check) {
  std::map<Place, std::vector<const Resource*>> meeting;
  for (const ResourceKey& key : check.changed_keys) {
    if (key.kind != check.kinds.listener) continue;
    const Resource* listener = check.set.Find(key);
    if (listener == nullptr) continue;
    if (const auto place = PlaceOf(*listener)) meeting[*place];
  }
  for (auto& [place, listeners] : meeting) {
    for (const Resource* listener : check.set.ListenersAt(place.address)) {
      if (PlaceOf(*listener) == place) listeners.push_back(listener);
    }
  }
  for (const auto& [place, listeners] : meeting) CheckListenersAt(listeners, check);
}

}  // namespace

std::vector<ObjectViolation> ValidateRelations(const ResourceSet& set,
                                               const std::vector<ResourceKey>& changed) {
  RelationsCheck check(set, changed);
  CheckUpstreams(check);
  CheckUdpListeners(check);
  CheckListenerPlaces(check);
  CheckTemplates(check);
  CheckReferences(check);  // Last: a caller may pass over what is missing, but not over the rest.
  return std::move(check.violations);
}

}  // namespace sluice::model
