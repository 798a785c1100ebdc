// The Upstream kind, and the rules for an endpoint wherever it stands. Rows of the kinds table;
// pure.
#pragma once

#include <string>

#include "common/model/field_check.h"
#include "common/model/kind.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::model {

void ValidateUpstream(const google::protobuf::Message& message, Violations& violations);
std::vector<Reference> UpstreamReferences(const google::protobuf::Message& message);
std::vector<std::string_view> UpstreamAddresses(const google::protobuf::Message& message);
std::vector<TemplateField> UpstreamTemplates(const google::protobuf::Message& message);

// Each endpoint alone, and no address twice. `field` is the list's path.
void CheckEndpoints(const google::protobuf::RepeatedPtrField<v1::Endpoint>& endpoints,
                    const std::string& field, std::size_t most, FieldCheck& check);

std::vector<std::string_view> AddressTexts(
    const google::protobuf::RepeatedPtrField<v1::Endpoint>& endpoints);

// Hash and random policies have no notion of a backup.
bool AllowsBackup(v1::Balance::Policy policy);

}  // namespace sluice::model
