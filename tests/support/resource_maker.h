// Small resources for tests that are not about their contents.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/model/resource.h"

namespace sluice::test {

struct ListenerMaker {
  std::string name;
  std::string upstream;
  std::map<std::string, std::string> node_selector = {};
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

}  // namespace sluice::test
