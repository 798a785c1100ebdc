#include "dataplane/admin/metrics.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/admin/metrics_fixture.h"

namespace sluice::dataplane {
namespace {

using Labels = std::map<std::string, std::string>;

const Labels kFront{{"listener", "shop/front"}, {"protocol", "TCP"}};
const Labels kDns{{"listener", "shop/dns"}, {"protocol", "UDP"}};
const Labels kWeb{{"upstream", "shop/web"}};
const Labels kEndpoint{{"upstream", "shop/web"}, {"endpoint", "10.0.0.1:80"}};

Counter& Closed(const ListenerShared& listener, std::size_t worker, CloseReason reason) {
  return listener.counters[worker].sessions_closed[static_cast<std::size_t>(reason)];
}

TEST(Metrics, AreValidTextWithAndWithoutAConfiguration) {
  TestMetrics metrics;
  EXPECT_EQ(metrics.Families().size(), Metrics().size());
  metrics.config.listeners = std::make_shared<const ListenerList>();
  metrics.config.upstreams.clear();
  EXPECT_EQ(metrics.Families().size(), Metrics().size());
}

TEST(Metrics, FollowTheNamingRules) {
  for (const Metric& metric : Metrics()) {
    EXPECT_TRUE(metric.name.starts_with("sluice_")) << metric.name;
    EXPECT_EQ(metric.name.ends_with("_total"), metric.type == MetricType::kCounter) << metric.name;
    EXPECT_TRUE(metric.help.ends_with('.')) << metric.name;
  }
}

TEST(Metrics, SumTheWorkersOfAListenerAndKeepListenersApart) {
  const TestMetrics metrics;
  metrics.tcp->counters[0].bytes_received.Add(1);
  metrics.tcp->counters[1].bytes_received.Add(20);
  metrics.tcp->counters[2].bytes_received.Add(300);
  metrics.udp->counters[2].bytes_received.Add(7);
  EXPECT_EQ(metrics.Value("sluice_listener_received_bytes_total", kFront), 321);
  EXPECT_EQ(metrics.Value("sluice_listener_received_bytes_total", kDns), 7);
}

TEST(Metrics, CountAnUpstreamOnceThoughTwoListenersUseIt) {
  const TestMetrics metrics;
  metrics.upstream->counters[0].sessions.Add(4);
  metrics.upstream->counters[2].sessions.Add(5);
  EXPECT_EQ(metrics.Value("sluice_upstream_sessions_total", kWeb), 9);
}

TEST(Metrics, OpenSessionsAreThoseOpenedOnAnyWorkerAndClosedForNoReason) {
  const TestMetrics metrics;
  metrics.tcp->counters[0].sessions_opened.Add(5);
  metrics.tcp->counters[1].sessions_opened.Add(5);
  Closed(*metrics.tcp, 0, CloseReason::kFinished).Add(2);
  Closed(*metrics.tcp, 1, CloseReason::kIdleTimeout).Add(1);
  EXPECT_EQ(metrics.Value("sluice_listener_sessions_opened_total", kFront), 10);
  EXPECT_EQ(metrics.Value("sluice_listener_sessions_open", kFront), 7);
  EXPECT_EQ(metrics.Value("sluice_listener_sessions_open", kDns), 0);
}

TEST(Metrics, CloseReasonsAreSeriesOnceTheyHaveHappened) {
  const TestMetrics metrics;
  Labels finished = kFront;
  finished["reason"] = "finished";
  EXPECT_EQ(metrics.Value("sluice_listener_sessions_closed_total", finished), -1);
  Closed(*metrics.tcp, 0, CloseReason::kFinished).Add(2);
  Closed(*metrics.tcp, 2, CloseReason::kFinished).Add(3);
  EXPECT_EQ(metrics.Value("sluice_listener_sessions_closed_total", finished), 5);
}

TEST(Metrics, ShowTheStateOfEachEndpoint) {
  const TestMetrics metrics;
  metrics.endpoint->open = 3;
  metrics.endpoint->sessions_total = 40;
  metrics.endpoint->failures_total = 2;
  EXPECT_EQ(metrics.Value("sluice_endpoint_sessions_open", kEndpoint), 3);
  EXPECT_EQ(metrics.Value("sluice_endpoint_sessions_total", kEndpoint), 40);
  EXPECT_EQ(metrics.Value("sluice_endpoint_failures_total", kEndpoint), 2);
  EXPECT_EQ(metrics.Value("sluice_endpoint_available", kEndpoint), 1);
  const Labels other{{"upstream", "shop/web"}, {"endpoint", "unix:/run/\"web\""}};
  EXPECT_EQ(metrics.Value("sluice_endpoint_sessions_open", other), 0);
}

TEST(Metrics, AnEndpointThatPassiveHealthHoldsForFailedIsNotAvailable) {
  const TestMetrics metrics;
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::steady_clock::now().time_since_epoch());
  metrics.endpoint->fails = 1;
  metrics.endpoint->accessed = now.count();
  // In the future, so that the test does not depend on how fast it runs.
  metrics.endpoint->checked = now.count() + 3600;
  EXPECT_EQ(metrics.Value("sluice_endpoint_available", kEndpoint), 0);
}

TEST(Metrics, CountFailedConnectsByTheirErrorOnceTheyHaveHappened) {
  TestMetrics metrics;
  auto& failures = metrics.config.upstreams[0]->shared->counters[1].connect_failures;
  failures[ConnectErrorIndex(EHOSTUNREACH)].Add(2);
  failures[ConnectErrorIndex(EPIPE)].Add();
  const std::string name = "sluice_upstream_connect_failures_total";
  const std::string& upstream = metrics.config.upstreams[0]->name;
  EXPECT_EQ(metrics.Value(name, {{"upstream", upstream}, {"error", "EHOSTUNREACH"}}), 2);
  EXPECT_EQ(metrics.Value(name, {{"upstream", upstream}, {"error", "other"}}), 1);
  EXPECT_EQ(metrics.Value(name, {{"upstream", upstream}, {"error", "ECONNREFUSED"}}), -1);
}

TEST(Metrics, SayNothingOfAControlPlaneToADataPlaneThatHasNone) {
  TestMetrics metrics;
  metrics.facts.has_control_plane = false;
  EXPECT_EQ(metrics.Value("sluice_control_plane_connected"), -1);
  EXPECT_EQ(metrics.Value("sluice_control_plane_seconds_since_contact"), -1);
}

TEST(Metrics, ShowTheFactsOfTheProcess) {
  TestMetrics metrics;
  metrics.facts.ready = true;
  metrics.facts.stale = true;
  metrics.facts.active_generation = 12;
  metrics.facts.swaps = 4;
  metrics.facts.config_problems = 2;
  metrics.facts.refused_objects = 1;
  metrics.facts.sessions_open = 9;
  metrics.facts.sessions_on_older_config = 5;
  metrics.facts.access_log_lost = 6;
  metrics.facts.events_dropped = 7;
  EXPECT_EQ(metrics.Value("sluice_build_info", {{"version", "1.2.3"}}), 1);
  EXPECT_EQ(metrics.Value("sluice_process_workers"), 3);
  EXPECT_EQ(metrics.Value("sluice_config_ready"), 1);
  EXPECT_EQ(metrics.Value("sluice_config_stale"), 1);
  EXPECT_EQ(metrics.Value("sluice_config_generation"), 12);
  EXPECT_EQ(metrics.Value("sluice_config_swaps_total"), 4);
  EXPECT_EQ(metrics.Value("sluice_config_problems"), 2);
  EXPECT_EQ(metrics.Value("sluice_config_refused_objects"), 1);
  EXPECT_EQ(metrics.Value("sluice_control_plane_connected"), 0);
  EXPECT_EQ(metrics.Value("sluice_sessions_open"), 9);
  EXPECT_EQ(metrics.Value("sluice_sessions_on_older_config"), 5);
  EXPECT_EQ(metrics.Value("sluice_access_log_lost_total"), 6);
  EXPECT_EQ(metrics.Value("sluice_event_log_dropped_total"), 7);
}

TEST(Metrics, ShowWhatTheKernelSaysOfTheProcess) {
  const TestMetrics metrics;
  EXPECT_GT(metrics.Value("sluice_process_resident_memory_bytes"), 100'000);
  EXPECT_GE(metrics.Value("sluice_process_open_descriptors"), 1);
  EXPECT_GT(metrics.Value("sluice_process_max_descriptors"),
            metrics.Value("sluice_process_open_descriptors"));
  EXPECT_GE(metrics.Value("sluice_process_cpu_seconds_total"), 0);
  EXPECT_GE(metrics.Value("sluice_process_uptime_seconds"), 0);
  EXPECT_GT(metrics.Value("sluice_process_start_time_seconds"), 1.6e9);
}

TEST(Metrics, AreReadWhileTheWorkersCountAndNeverGoBack) {
  const TestMetrics metrics;
  constexpr std::uint64_t kEach = 20'000;
  std::atomic<std::size_t> running{TestMetrics::kWorkers};
  std::vector<std::thread> workers;
  for (std::size_t worker = 0; worker < TestMetrics::kWorkers; ++worker) {
    workers.emplace_back([&, worker] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        metrics.tcp->counters[worker].sessions_opened.Add();
        Closed(*metrics.tcp, worker, CloseReason::kFinished).Add();
      }
      --running;
    });
  }
  double before = 0;
  while (running > 0) {
    const double opened = metrics.Value("sluice_listener_sessions_opened_total", kFront);
    EXPECT_GE(opened, before);
    before = opened;
    // Never below zero, which would be a huge number.
    EXPECT_LE(metrics.Value("sluice_listener_sessions_open", kFront), 3.0 * kEach);
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_EQ(metrics.Value("sluice_listener_sessions_opened_total", kFront), 3.0 * kEach);
  EXPECT_EQ(metrics.Value("sluice_listener_sessions_open", kFront), 0);
}

}  // namespace
}  // namespace sluice::dataplane
