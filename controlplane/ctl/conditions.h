// The conditions of any kind's object. Pure.
#pragma once

#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/v1/meta.pb.h"

namespace sluice::ctl {

std::vector<v1::Condition> ConditionsOf(const google::protobuf::Message& resource);
// By its type, in any letter case.
std::optional<v1::Condition> FindCondition(const google::protobuf::Message& resource,
                                           std::string_view type);
// `True`, `False`, `Unknown`.
std::string_view StateWord(v1::Condition::State state);
// Of a condition in a table cell: the `n/m` that its message starts with, otherwise the state's
// word; `Unknown` when the object has no such condition.
std::string ConditionCell(const google::protobuf::Message& resource, std::string_view type);

// Whether a DataPlane is connected, in a table cell: `draining` while it shuts down.
std::string ConnectedCell(const google::protobuf::Message& data_plane);

}  // namespace sluice::ctl
