// The Listener kind: what one may say and what it refers to. Rows of the kinds table; pure.
#pragma once

#include "common/model/kind.h"

namespace sluice::model {

void ValidateListener(const google::protobuf::Message& message, Violations& violations);
std::vector<Reference> ListenerReferences(const google::protobuf::Message& message);
std::vector<std::string_view> ListenerAddresses(const google::protobuf::Message& message);
std::vector<TemplateField> ListenerTemplates(const google::protobuf::Message& message);

}  // namespace sluice::model
