// One change of one endpoint of an upstream, wherever it stands: in the upstream's own list or in
// one of its slices. Pure: objects as read go in, the one object to apply comes out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/model/resource.h"

namespace sluice::ctl {

struct EndpointEdit {
  enum class Action { kAdd, kRemove, kDrain, kUndrain, kWeight };
  Action action = Action::kAdd;
  std::string upstream;
  std::string address;
  std::optional<std::uint32_t> weight = {};           // kAdd, kWeight.
  std::optional<std::uint32_t> max_connections = {};  // kAdd.
  bool backup = false;                                // kAdd.
};

inline constexpr std::string_view kEndpointActions = "add|remove|drain|undrain|weight";

// From `add|remove|drain|undrain|weight UPSTREAM ADDRESS [WEIGHT]`.
Result<EndpointEdit> ParseEndpointEdit(const std::vector<std::string>& words);

// An upstream with the slices that name it, by slice name.
struct UpstreamParts {
  model::Resource upstream;
  std::vector<model::Resource> slices;
};

// The object to apply, with its resourceVersion as the precondition; nullopt: everything is as
// asked already. A new endpoint goes into the upstream's own list while that has room, then into
// the first slice that has. Errors: kNotFound for an address that the upstream does not have;
// kAlreadyExists for one that it has with other settings; kResourceExhausted when there is room
// nowhere.
Result<std::optional<model::Resource>> EditEndpoint(const UpstreamParts& parts,
                                                    const EndpointEdit& edit);

}  // namespace sluice::ctl
