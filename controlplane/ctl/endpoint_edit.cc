#include "controlplane/ctl/endpoint_edit.h"

#include <fmt/format.h>

#include <charconv>

#include "common/base/address.h"
#include "common/base/limits.h"
#include "common/base/text_format.h"
#include "sluice/v1/endpoint_slice.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::ctl {
namespace {

using Action = EndpointEdit::Action;
using Endpoints = google::protobuf::RepeatedPtrField<v1::Endpoint>;

struct ActionRow {
  std::string_view word;
  Action action;
};
constexpr ActionRow kActions[] = {{"add", Action::kAdd},
                                  {"remove", Action::kRemove},
                                  {"drain", Action::kDrain},
                                  {"undrain", Action::kUndrain},
                                  {"weight", Action::kWeight}};

// Two spellings of one address are one address.
std::string Canonical(const std::string& address) {
  const auto parsed = SocketAddress::Parse(address);
  return parsed ? parsed->Text() : address;
}

const Endpoints& EndpointsOf(const model::Resource& resource) {
  if (const auto* slice = dynamic_cast<const v1::EndpointSlice*>(&resource.message())) {
    return slice->spec().endpoints();
  }
  return resource.As<v1::Upstream>().spec().endpoints();
}

Endpoints& MutableEndpointsOf(google::protobuf::Message& message) {
  if (auto* slice = dynamic_cast<v1::EndpointSlice*>(&message)) {
    return *slice->mutable_spec()->mutable_endpoints();
  }
  return *dynamic_cast<v1::Upstream&>(message).mutable_spec()->mutable_endpoints();
}

// A copy to apply: what the control plane writes stays out, but for resourceVersion.
std::unique_ptr<google::protobuf::Message> Editable(const model::Resource& resource) {
  std::unique_ptr<google::protobuf::Message> message(resource.message().New());
  message->CopyFrom(resource.message());
  if (const auto* status = message->GetDescriptor()->FindFieldByName("status")) {
    message->GetReflection()->ClearField(message.get(), status);
  }
  return message;
}

struct Place {
  const model::Resource* object;
  int index;
};

std::optional<Place> Find(const UpstreamParts& parts, const std::string& address) {
  const std::string wanted = Canonical(address);
  const auto in = [&](const model::Resource& object) -> std::optional<Place> {
    const Endpoints& endpoints = EndpointsOf(object);
    for (int i = 0; i < endpoints.size(); ++i) {
      if (Canonical(endpoints[i].address()) == wanted) return Place{&object, i};
    }
    return std::nullopt;
  };
  if (auto place = in(parts.upstream)) return place;
  for (const auto& slice : parts.slices) {
    if (auto place = in(slice)) return place;
  }
  return std::nullopt;
}

const model::Resource* WithRoom(const UpstreamParts& parts) {
  const auto count = [](const model::Resource& object) {
    return static_cast<std::size_t>(EndpointsOf(object).size());
  };
  if (count(parts.upstream) < limits::kInlineEndpoints) return &parts.upstream;
  for (const auto& slice : parts.slices) {
    if (count(slice) < limits::kSliceEndpoints) return &slice;
  }
  return nullptr;
}

std::uint32_t WeightOf(const v1::Endpoint& endpoint) {
  return endpoint.has_weight() ? endpoint.weight() : 1;
}

v1::Endpoint NewEndpoint(const EndpointEdit& edit) {
  v1::Endpoint endpoint;
  endpoint.set_address(edit.address);
  if (edit.weight) endpoint.set_weight(*edit.weight);
  if (edit.max_connections) endpoint.set_max_connections(*edit.max_connections);
  endpoint.set_backup(edit.backup);
  return endpoint;
}

bool SameSettings(const v1::Endpoint& a, const v1::Endpoint& b) {
  return WeightOf(a) == WeightOf(b) && a.has_max_connections() == b.has_max_connections() &&
         a.max_connections() == b.max_connections() && a.backup() == b.backup();
}

Result<std::optional<model::Resource>> Add(const UpstreamParts& parts, const EndpointEdit& edit,
                                           const std::optional<Place>& place) {
  if (place) {
    const v1::Endpoint& present = EndpointsOf(*place->object)[place->index];
    if (SameSettings(present, NewEndpoint(edit))) return std::nullopt;
    return Fail(
        ErrorCode::kAlreadyExists,
        fmt::format("{} has the endpoint '{}' with other settings, in {}; "
                    "`ctl endpoints weight` changes a weight, `ctl apply` the rest",
                    parts.upstream.key().Text(), edit.address, place->object->key().Text()));
  }
  const model::Resource* object = WithRoom(parts);
  if (object == nullptr) {
    return Fail(
        ErrorCode::kResourceExhausted,
        fmt::format("{} has no room: its own list holds {} endpoints at most and each of its "
                    "{} slices {}; apply a further EndpointSlice",
                    parts.upstream.key().Text(), limits::kInlineEndpoints, parts.slices.size(),
                    limits::kSliceEndpoints));
  }
  auto message = Editable(*object);
  *MutableEndpointsOf(*message).Add() = NewEndpoint(edit);
  return model::Resource::FromMessage(std::move(message));
}

Result<std::uint32_t> ParseWeight(const std::string& text) {
  std::uint32_t weight = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, weight);
  if (parsed.ec != std::errc() || parsed.ptr != end || weight < 1 || weight > 65535) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the weight must be 1-65535, got '{}'", text));
  }
  return weight;
}

}  // namespace

Result<EndpointEdit> ParseEndpointEdit(const std::vector<std::string>& words) {
  const auto bad = [](std::string message) {
    return Fail(ErrorCode::kInvalidArgument, std::move(message));
  };
  if (words.empty()) return bad(fmt::format("say what to do: {}", kEndpointActions));
  EndpointEdit edit;
  bool known = false;
  for (const ActionRow& row : kActions) {
    if (row.word != words[0]) continue;
    edit.action = row.action;
    known = true;
  }
  if (!known) {
    std::vector<std::string_view> actions;
    for (const ActionRow& row : kActions) actions.push_back(row.word);
    const auto closest = ClosestWord(words[0], actions.data(), actions.size());
    return bad(fmt::format("the action must be one of {}, got '{}'{}", kEndpointActions, words[0],
                           closest.empty() ? "" : fmt::format("; did you mean '{}'?", closest)));
  }
  const bool weight_needed = edit.action == Action::kWeight;
  const bool weight_allowed = weight_needed || edit.action == Action::kAdd;
  const std::size_t least = weight_needed ? 4 : 3;
  const std::size_t most = weight_allowed ? 4 : 3;
  if (words.size() < least || words.size() > most) {
    return bad(fmt::format("usage: ctl endpoints {} UPSTREAM ADDRESS{}", words[0],
                           weight_needed    ? " WEIGHT"
                           : weight_allowed ? " [WEIGHT]"
                                            : ""));
  }
  edit.upstream = words[1];
  for (const std::string_view prefix : {"upstream/", "upstreams/", "Upstream/"}) {
    if (edit.upstream.starts_with(prefix)) edit.upstream.erase(0, prefix.size());
  }
  auto address = SocketAddress::Parse(words[2]);
  if (!address) return bad(fmt::format("the endpoint's address {}", address.error().message));
  edit.address = words[2];
  if (words.size() == 4) {
    auto weight = ParseWeight(words[3]);
    if (!weight) return tl::unexpected(weight.error());
    edit.weight = *weight;
  }
  return edit;
}

Result<std::optional<model::Resource>> EditEndpoint(const UpstreamParts& parts,
                                                    const EndpointEdit& edit) {
  const auto place = Find(parts, edit.address);
  if (edit.action == Action::kAdd) return Add(parts, edit, place);
  if (!place) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("{} has no endpoint '{}'", parts.upstream.key().Text(), edit.address));
  }
  const v1::Endpoint& present = EndpointsOf(*place->object)[place->index];
  auto message = Editable(*place->object);
  Endpoints& endpoints = MutableEndpointsOf(*message);
  switch (edit.action) {
    case Action::kRemove:
      endpoints.DeleteSubrange(place->index, 1);
      break;
    case Action::kDrain:
    case Action::kUndrain:
      if (present.drain() == (edit.action == Action::kDrain)) return std::nullopt;
      endpoints[place->index].set_drain(edit.action == Action::kDrain);
      break;
    default:
      if (WeightOf(present) == edit.weight) return std::nullopt;
      endpoints[place->index].set_weight(*edit.weight);
      break;
  }
  return model::Resource::FromMessage(std::move(message));
}

}  // namespace sluice::ctl
