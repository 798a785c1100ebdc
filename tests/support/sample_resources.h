// Small resources for tests that care for names and references and not for what is in them:
// messages as a client sends them (`Sample…`), and resources as the store holds them (`Make…`).
#pragma once

#include <google/protobuf/any.pb.h>

#include <map>
#include <string>
#include <vector>

#include "common/model/resource.h"
#include "sluice/v1/listener.pb.h"
#include "sluice/v1/resources.pb.h"
#include "sluice/v1/upstream.pb.h"

namespace sluice::test {

using Labels = std::map<std::string, std::string>;

v1::Upstream SampleUpstream(const std::string& name, const std::string& address = "127.0.0.1:9000",
                            const Labels& labels = {});
v1::Listener SampleListener(const std::string& name, const std::string& address,
                            const std::string& upstream);

struct ListenerMaker {
  std::string name;
  std::string upstream;
  Labels node_selector = {};
  std::vector<std::string> access_policies = {};
  int port = 5432;
};
model::Resource MakeListener(const ListenerMaker& maker);
// Ports of 10.0.0.1.
model::Resource MakeUpstream(const std::string& name, const std::vector<int>& ports = {5432});
// Ports of 10.0.0.2.
model::Resource MakeSlice(const std::string& name, const std::string& upstream,
                          const std::vector<int>& ports);
model::Resource MakePolicy(const std::string& name);
// Valid for nobody: an endpoint without a port.
model::Resource MakeInvalidUpstream(const std::string& name);

model::Resource AsResource(const google::protobuf::Message& message);
google::protobuf::Any AsAny(const google::protobuf::Message& message);
model::ResourceKey KeyOf(const google::protobuf::Message& message);
v1::ObjectRef RefTo(const std::string& kind, const std::string& name);

model::Change AsChange(const model::Resource& resource);
model::Change AsChange(const google::protobuf::Message& message);
model::Change Removal(const google::protobuf::Message& message);
// `resources` are put, `deleted` go.
std::vector<model::Change> AsChanges(const std::vector<model::Resource>& resources,
                                     const std::vector<model::ResourceKey>& deleted = {});

}  // namespace sluice::test
