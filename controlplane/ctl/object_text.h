// Objects for programs: -o yaml, json and name. Pure.
#pragma once

#include <string>
#include <vector>

#include "common/model/resource.h"

namespace sluice::ctl {

// Documents with `---` between them, as apply reads them.
std::string YamlOf(const std::vector<model::Resource>& resources);
// One object, or with `as_list` a `kind: List` of them.
std::string JsonOf(const std::vector<model::Resource>& resources, bool as_list);
// `listener/orders-db`, a line each.
std::string NamesOf(const std::vector<model::Resource>& resources);

// `a=b,c=d` in the order of the keys.
std::string LabelText(const google::protobuf::Map<std::string, std::string>& labels);

}  // namespace sluice::ctl
