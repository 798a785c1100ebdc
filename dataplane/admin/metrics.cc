#include "dataplane/admin/metrics.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "common/metrics/process_usage.h"

namespace sluice::dataplane {
namespace {

using enum MetricType;

// What the families are written from.
struct Source {
  const RuntimeConfig& config;
  const DataPlaneFacts& facts;
  const ProcessUsage usage;
  std::vector<const UpstreamConfig*> upstreams;  // By name, each once.
};

struct Family {
  Metric metric;
  void (*write)(const Source& source, Exposition& out);
};

std::string_view ProtocolLabel(Protocol protocol) {
  return protocol == Protocol::kTcp ? "TCP" : "UDP";
}

template <Counter ListenerCounters::*kCounter>
void ByListener(const Source& source, Exposition& out) {
  for (const auto& listener : *source.config.listeners) {
    out.Sample(
        {{"listener", listener->shared->name}, {"protocol", ProtocolLabel(listener->protocol)}},
        listener->shared->counters.Sum(
            [](const ListenerCounters& c) -> const Counter& { return c.*kCounter; }));
  }
}

template <Counter UpstreamCounters::*kCounter>
void ByUpstream(const Source& source, Exposition& out) {
  for (const UpstreamConfig* upstream : source.upstreams) {
    out.Sample({{"upstream", upstream->name}},
               upstream->shared->counters.Sum(
                   [](const UpstreamCounters& c) -> const Counter& { return c.*kCounter; }));
  }
}

// An upstream's series are those errors that have happened to it.
void ConnectFailures(const Source& source, Exposition& out) {
  for (const UpstreamConfig* upstream : source.upstreams) {
    for (std::size_t i = 0; i < kConnectErrors.size(); ++i) {
      const std::uint64_t failures = upstream->shared->counters.Sum(
          [i](const UpstreamCounters& c) -> const Counter& { return c.connect_failures[i]; });
      if (failures == 0) continue;
      out.Sample({{"upstream", upstream->name}, {"error", kConnectErrors[i].name}}, failures);
    }
  }
}

template <typename Value>
void ByEndpoint(const Source& source, Exposition& out, Value value) {
  for (const UpstreamConfig* upstream : source.upstreams) {
    for (const BalanceEndpoint& endpoint : upstream->balancer->endpoints()) {
      out.Sample({{"upstream", upstream->name}, {"endpoint", endpoint.text}},
                 value(*upstream, endpoint));
    }
  }
}

std::uint64_t ClosedFor(const ListenerConfig& listener, std::size_t reason) {
  return listener.shared->counters.Sum(
      [reason](const ListenerCounters& c) -> const Counter& { return c.sessions_closed[reason]; });
}

void SessionsClosed(const Source& source, Exposition& out) {
  for (const auto& listener : *source.config.listeners) {
    for (const CloseReasonRow& row : CloseReasons()) {
      if (row.reason == CloseReason::kOpen) continue;
      const std::uint64_t closed = ClosedFor(*listener, static_cast<std::size_t>(row.reason));
      // A listener's series are those reasons that have happened to it.
      if (closed == 0) continue;
      out.Sample({{"listener", listener->shared->name},
                  {"protocol", ProtocolLabel(listener->protocol)},
                  {"reason", row.token}},
                 closed);
    }
  }
}

void ListenerSessionsOpen(const Source& source, Exposition& out) {
  for (const auto& listener : *source.config.listeners) {
    // Closed first: what is counted as closed has been counted as opened.
    std::uint64_t closed = 0;
    for (std::size_t i = 0; i < CloseReasons().size(); ++i) closed += ClosedFor(*listener, i);
    const std::uint64_t opened = listener->shared->counters.Sum(
        [](const ListenerCounters& c) -> const Counter& { return c.sessions_opened; });
    out.Sample(
        {{"listener", listener->shared->name}, {"protocol", ProtocolLabel(listener->protocol)}},
        opened - std::min(opened, closed));
  }
}

double SecondsSince(MonotonicTime then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

std::int64_t NowSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

constexpr std::array kFamilies = std::to_array<Family>({
    {{"sluice_build_info", kGauge, "Always 1; the version is a label."},
     [](const Source& s, Exposition& out) {
       out.Sample({{"version", s.facts.version}}, 1);
     }},
    {{"sluice_process_start_time_seconds", kGauge, "When the process started, Unix time."},
     [](const Source& s, Exposition& out) {
       out.SampleSeconds(std::chrono::duration<double>(s.facts.started.time_since_epoch()).count());
     }},
    {{"sluice_process_uptime_seconds", kGauge, "Time since the process started."},
     [](const Source& s, Exposition& out) {
       const std::chrono::duration<double> up = std::chrono::system_clock::now() - s.facts.started;
       out.SampleSeconds(std::max(up.count(), 0.0));
     }},
    {{"sluice_process_cpu_seconds_total", kCounter, "Processor time used, user and system."},
     [](const Source& s, Exposition& out) { out.SampleSeconds(s.usage.cpu_seconds); }},
    {{"sluice_process_resident_memory_bytes", kGauge, "Memory in use."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.usage.resident_bytes); }},
    {{"sluice_process_open_descriptors", kGauge, "File descriptors in use."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.usage.open_descriptors); }},
    {{"sluice_process_max_descriptors", kGauge, "File descriptors that may be used."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.usage.max_descriptors); }},
    {{"sluice_process_workers", kGauge, "Worker threads."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.facts.workers); }},

    {{"sluice_config_ready", kGauge,
      "1 when a configuration is served and at least one of its listeners, if it has any "
      "(/readyz)."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.facts.ready ? 1 : 0); }},
    {{"sluice_config_stale", kGauge,
      "1 while a saved configuration is served because no control plane has answered yet."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.facts.stale ? 1 : 0); }},
    {{"sluice_config_generation", kGauge,
      "Generation in force; 0 while there is none, or with --config."},
     [](const Source& s, Exposition& out) {
       out.Sample({},
                  static_cast<std::uint64_t>(std::max<std::int64_t>(s.facts.active_generation, 0)));
     }},
    {{"sluice_config_swaps_total", kCounter, "Configurations put in force."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.facts.swaps); }},
    {{"sluice_config_problems", kGauge, "Objects that are not in force as they were sent."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.facts.config_problems); }},
    {{"sluice_config_refused_objects", kGauge, "Those of them that this data plane has refused."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.facts.refused_objects); }},
    {{"sluice_config_seconds_since_change", kGauge,
      "Since a configuration last came into force; since the start when none has."},
     [](const Source& s, Exposition& out) { out.SampleSeconds(SecondsSince(s.facts.last_swap)); }},
    {{"sluice_control_plane_connected", kGauge,
      "1 while a control plane is connected; no series with --config."},
     [](const Source& s, Exposition& out) {
       if (s.facts.has_control_plane) out.Sample({}, s.facts.connected ? 1 : 0);
     }},
    {{"sluice_control_plane_seconds_since_contact", kGauge,
      "Since the last connection to a control plane ended, or the start; 0 while one is there."},
     [](const Source& s, Exposition& out) {
       if (!s.facts.has_control_plane) return;
       out.SampleSeconds(s.facts.connected ? 0 : SecondsSince(s.facts.last_contact));
     }},

    {{"sluice_sessions_open", kGauge, "Sessions open now, all listeners together."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.facts.sessions_open); }},
    {{"sluice_sessions_on_older_config", kGauge,
      "Those of them whose listener has changed since they began."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.facts.sessions_on_older_config); }},
    {{"sluice_access_log_lost_total", kCounter,
      "Records lost because their destination could not be written."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.facts.access_log_lost); }},
    {{"sluice_event_log_dropped_total", kCounter,
      "Events dropped because standard error was not read or could not be written."},
     [](const Source& s, Exposition& out) { out.Sample({}, s.facts.events_dropped); }},

    {{"sluice_listener_sessions_open", kGauge, "Sessions open now."}, ListenerSessionsOpen},
    {{"sluice_listener_sessions_opened_total", kCounter, "Sessions begun."},
     ByListener<&ListenerCounters::sessions_opened>},
    {{"sluice_listener_sessions_closed_total", kCounter, "Sessions ended, by close reason."},
     SessionsClosed},
    {{"sluice_listener_received_bytes_total", kCounter, "Bytes from clients."},
     ByListener<&ListenerCounters::bytes_received>},
    {{"sluice_listener_sent_bytes_total", kCounter, "Bytes to clients."},
     ByListener<&ListenerCounters::bytes_sent>},
    {{"sluice_listener_datagrams_received_total", kCounter, "UDP: datagrams from clients."},
     ByListener<&ListenerCounters::datagrams_received>},
    {{"sluice_listener_datagrams_sent_total", kCounter, "UDP: datagrams to clients."},
     ByListener<&ListenerCounters::datagrams_sent>},
    {{"sluice_listener_datagrams_dropped_total", kCounter,
      "UDP: datagrams dropped because no flow could be made or the kernel would not take them."},
     ByListener<&ListenerCounters::datagrams_dropped>},
    {{"sluice_listener_kernel_drops_total", kCounter,
      "UDP: datagrams the kernel dropped because the receive buffer was full."},
     ByListener<&ListenerCounters::kernel_drops>},
    {{"sluice_listener_accept_pauses_total", kCounter,
      "Times accepting stopped because descriptors ran out."},
     ByListener<&ListenerCounters::accept_pauses>},
    {{"sluice_listener_policy_denied_total", kCounter, "Sessions an access policy denied."},
     ByListener<&ListenerCounters::policy_denied>},
    {{"sluice_listener_policy_shadow_denied_total", kCounter,
      "Times an access policy in shadow mode would have denied."},
     ByListener<&ListenerCounters::policy_shadow_denied>},
    {{"sluice_listener_access_log_dropped_total", kCounter,
      "Records dropped because the queue to the access-log writer was full."},
     ByListener<&ListenerCounters::access_log_dropped>},

    {{"sluice_upstream_sessions_total", kCounter, "Sessions that were given an endpoint."},
     ByUpstream<&UpstreamCounters::sessions>},
    {{"sluice_upstream_connect_failures_total", kCounter,
      "Attempts to connect that failed, by error."},
     ConnectFailures},
    {{"sluice_upstream_connect_timeouts_total", kCounter,
      "Attempts to connect that took too long."},
     ByUpstream<&UpstreamCounters::connect_timeouts>},
    {{"sluice_upstream_retries_total", kCounter, "Further attempts after a failed one."},
     ByUpstream<&UpstreamCounters::retries>},
    {{"sluice_upstream_no_endpoint_total", kCounter, "Times no endpoint could be used."},
     ByUpstream<&UpstreamCounters::no_endpoint>},
    {{"sluice_upstream_sent_bytes_total", kCounter, "Bytes to endpoints."},
     ByUpstream<&UpstreamCounters::bytes_sent>},
    {{"sluice_upstream_received_bytes_total", kCounter, "Bytes from endpoints."},
     ByUpstream<&UpstreamCounters::bytes_received>},

    {{"sluice_endpoint_sessions_open", kGauge,
      "Sessions that hold the endpoint now, connecting ones included."},
     [](const Source& s, Exposition& out) {
       ByEndpoint(s, out, [](const UpstreamConfig&, const BalanceEndpoint& endpoint) {
         return std::uint64_t{endpoint.state->open.load(std::memory_order_relaxed)};
       });
     }},
    {{"sluice_endpoint_sessions_total", kCounter, "Sessions that were given the endpoint."},
     [](const Source& s, Exposition& out) {
       ByEndpoint(s, out, [](const UpstreamConfig&, const BalanceEndpoint& endpoint) {
         return endpoint.state->sessions_total.load(std::memory_order_relaxed);
       });
     }},
    {{"sluice_endpoint_failures_total", kCounter, "Sessions that could not use the endpoint."},
     [](const Source& s, Exposition& out) {
       ByEndpoint(s, out, [](const UpstreamConfig&, const BalanceEndpoint& endpoint) {
         return endpoint.state->failures_total.load(std::memory_order_relaxed);
       });
     }},
    {{"sluice_endpoint_available", kGauge,
      "1 unless passive health holds the endpoint for failed (upstreams with one endpoint use it "
      "all the same)."},
     [](const Source& s, Exposition& out) {
       ByEndpoint(
           s, out,
           [now = NowSeconds()](const UpstreamConfig& upstream, const BalanceEndpoint& endpoint) {
             return std::uint64_t{IsAvailable(*endpoint.state, upstream.health, now) ? 1U : 0U};
           });
     }},
});

constexpr auto kMetrics = [] {
  std::array<Metric, kFamilies.size()> metrics{};
  for (std::size_t i = 0; i < metrics.size(); ++i) metrics[i] = kFamilies[i].metric;
  return metrics;
}();

std::vector<const UpstreamConfig*> UpstreamsOf(const RuntimeConfig& config) {
  std::vector<const UpstreamConfig*> upstreams;
  for (const auto& upstream : config.upstreams) {
    if (upstream != nullptr) upstreams.push_back(upstream.get());
  }
  std::sort(upstreams.begin(), upstreams.end(),
            [](const UpstreamConfig* a, const UpstreamConfig* b) { return a->name < b->name; });
  return upstreams;
}

}  // namespace

std::span<const Metric> Metrics() { return kMetrics; }

std::string RenderMetrics(const RuntimeConfig& config, const DataPlaneFacts& facts) {
  const Source source{config, facts, ReadProcessUsage(), UpstreamsOf(config)};
  Exposition out;
  for (const Family& family : kFamilies) {
    out.Begin(family.metric);
    family.write(source, out);
  }
  return out.Take();
}

}  // namespace sluice::dataplane
