// Small valid resources for tests that care for names and references and not for what is in them.
#pragma once

#include <google/protobuf/any.pb.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/model/resource.h"
#include "sluice/v1/listener.pb.h"
#include "sluice/v1/resources.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::test {

using Labels = std::vector<std::pair<std::string, std::string>>;

v1::Upstream SampleUpstream(const std::string& name, const std::string& address = "127.0.0.1:9000",
                            const Labels& labels = {});
v1::Listener SampleListener(const std::string& name, const std::string& address,
                            const std::string& upstream);

model::Resource AsResource(const google::protobuf::Message& message);
google::protobuf::Any AsAny(const google::protobuf::Message& message);
model::Change AsChange(const google::protobuf::Message& message);
model::Change Removal(const google::protobuf::Message& message);
model::ResourceKey KeyOf(const google::protobuf::Message& message);
v1::ObjectRef RefTo(const std::string& kind, const std::string& name);

}  // namespace sluice::test
