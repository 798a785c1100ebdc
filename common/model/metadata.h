// What the metadata of any kind may say. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/model/kind.h"
#include "sluice/v1/meta.pb.h"

namespace sluice::model {

// RFC 1123 label: the name of an object or of a namespace.
bool IsObjectName(std::string_view text);

// What is wrong with the labels of a node, as its flag `--label` gives them; empty: nothing. One
// that breaks the rules of Kubernetes could never be selected.
std::string NodeLabelMistake(const std::map<std::string, std::string>& labels);

void ValidateMetadata(const v1::ObjectMeta& meta, Violations& violations);

}  // namespace sluice::model
