#include "tests/unit/admin/metrics_fixture.h"

#include <gtest/gtest.h>

namespace sluice::dataplane {

TestMetrics::TestMetrics() {
  auto web = std::make_shared<UpstreamConfig>();
  web->name = upstream->name;
  web->shared = upstream;
  std::vector<BalanceEndpoint> endpoints(2);
  endpoints[0].text = "10.0.0.1:80";
  endpoints[0].state = endpoint;
  endpoints[1].text = "unix:/run/\"web\"";
  endpoints[1].state = std::make_shared<EndpointState>();
  web->balancer = std::make_unique<const Balancer>(BalancePolicy::kRoundRobin, std::move(endpoints),
                                                   web->health);
  ListenerList listeners;
  for (const auto& [shared, protocol] :
       {std::pair(tcp, Protocol::kTcp), std::pair(udp, Protocol::kUdp)}) {
    auto listener = std::make_shared<ListenerConfig>();
    listener->shared = shared;
    listener->protocol = protocol;
    listener->upstreams = {upstream};
    listeners.push_back(std::move(listener));
  }
  config.listeners = std::make_shared<const ListenerList>(std::move(listeners));
  config.upstreams = {web};
  facts.version = "1.2.3";
  facts.started = std::chrono::system_clock::now();
  facts.workers = kWorkers;
  facts.has_control_plane = true;
}

std::vector<PrometheusFamily> TestMetrics::Families() const {
  auto families = ParsePrometheusText(RenderMetrics(config, facts));
  if (!families) {
    ADD_FAILURE() << families.error().message << " of\n" << RenderMetrics(config, facts);
    return {};
  }
  return *std::move(families);
}

double TestMetrics::Value(const std::string& name,
                          const std::map<std::string, std::string>& labels) const {
  for (const PrometheusFamily& family : Families()) {
    if (family.name != name) continue;
    for (const PrometheusSample& sample : family.samples) {
      if (sample.labels == labels) return sample.value;
    }
  }
  return -1;
}

}  // namespace sluice::dataplane
