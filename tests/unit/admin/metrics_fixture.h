// A runtime config of two listeners that share an upstream, with counters of three workers.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/admin/metrics.h"
#include "tests/support/prometheus_text.h"

namespace sluice::dataplane {

class TestMetrics {
 public:
  static constexpr std::size_t kWorkers = 3;

  TestMetrics();

  // What /metrics says, read back; fails the test when it is not valid.
  std::vector<PrometheusFamily> Families() const;
  // Value of a series; -1 when it is not there.
  double Value(const std::string& name,
               const std::map<std::string, std::string>& labels = {}) const;

  RuntimeConfig config;
  DataPlaneFacts facts;
  std::shared_ptr<ListenerShared> tcp = std::make_shared<ListenerShared>("shop/front", kWorkers);
  std::shared_ptr<ListenerShared> udp = std::make_shared<ListenerShared>("shop/dns", kWorkers);
  std::shared_ptr<UpstreamShared> upstream =
      std::make_shared<UpstreamShared>("shop/web", 0, kWorkers);
  std::shared_ptr<EndpointState> endpoint = std::make_shared<EndpointState>();
};

}  // namespace sluice::dataplane
