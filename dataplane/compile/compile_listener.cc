#include "dataplane/compile/compile_listener.h"

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include <chrono>
#include <cstdint>
#include <utility>

#include "common/base/limits.h"
#include "common/base/socket_file.h"
#include "common/base/text_format.h"
#include "dataplane/compile/phase_table.h"
#include "dataplane/compile/problem.h"
#include "dataplane/log/access_log.h"
#include "dataplane/variables/text_template.h"
#include "sluice/v1/listener.pb.h"

namespace sluice::dataplane {
namespace {

using std::chrono::milliseconds;

milliseconds Milliseconds(const google::protobuf::Duration& duration) {
  return milliseconds(google::protobuf::util::TimeUtil::DurationToMilliseconds(duration));
}

// Leaves `into` at its default when the field is absent.
void Take(bool has, const google::protobuf::Duration& duration, milliseconds& into) {
  if (has) into = Milliseconds(duration);
}

int Seconds(bool has, const google::protobuf::Duration& duration, int absent) {
  return has ? static_cast<int>(duration.seconds()) : absent;
}

SocketSettings CompileSocket(const v1::ListenerSpec& spec) {
  const v1::SocketOptions& from = spec.socket();
  SocketSettings to;
  if (from.has_backlog()) to.backlog = static_cast<int>(from.backlog());
  if (from.has_receive_buffer()) to.receive_buffer = static_cast<int>(from.receive_buffer());
  if (from.has_send_buffer()) to.send_buffer = static_cast<int>(from.send_buffer());
  if (from.has_keepalive()) {
    const v1::TcpKeepalive& keepalive = from.keepalive();
    to.keepalive = {Seconds(keepalive.has_idle(), keepalive.idle(), 60),
                    Seconds(keepalive.has_interval(), keepalive.interval(), 10),
                    keepalive.has_count() ? static_cast<int>(keepalive.count()) : 6};
  }
  if (spec.protocol() == v1::ListenerSpec::UDP && !to.receive_buffer) {
    to.receive_buffer = static_cast<int>(limits::kUdpSocketBufferBytes);
  }
  return to;
}

TcpSettings CompileTcp(const v1::ListenerSpec& spec) {
  const v1::ListenerTimeouts& timeouts = spec.timeouts();
  TcpSettings to;
  Take(timeouts.has_connect(), timeouts.connect(), to.connect_timeout);
  Take(timeouts.has_idle(), timeouts.idle(), to.idle_timeout);
  Take(timeouts.has_half_closed(), timeouts.half_closed(), to.half_closed_timeout);
  if (to.half_closed_timeout == milliseconds::zero()) to.half_closed_timeout = to.idle_timeout;
  Take(timeouts.has_session(), timeouts.session(), to.session_timeout);
  if (spec.retry().has_attempts()) to.attempts = spec.retry().attempts();
  Take(spec.retry().has_timeout(), spec.retry().timeout(), to.retry_timeout);
  return to;
}

UdpSettings CompileUdp(const v1::ListenerSpec& spec) {
  UdpSettings to;
  Take(spec.udp().has_idle(), spec.udp().idle(), to.idle_timeout);
  Take(spec.timeouts().has_session(), spec.timeouts().session(), to.session_timeout);
  if (spec.udp().has_expected_responses()) to.expected_responses = spec.udp().expected_responses();
  if (spec.udp().has_max_requests()) to.max_requests = spec.udp().max_requests();
  return to;
}

struct LogFailure {
  std::string field;
  Error error;
};

tl::expected<std::vector<AccessLogTarget>, LogFailure> CompileAccessLogs(
    const v1::ListenerSpec& spec, const AccessLogDefault& fallback) {
  std::vector<AccessLogTarget> targets;
  const auto add = [&](const std::string& field, std::string_view format,
                       const std::string& to) -> tl::expected<void, LogFailure> {
    if (to == "off") return {};
    auto compiled = TextTemplate::Compile(format.empty() ? kDefaultAccessLogFormat : format,
                                          TextTemplate::Missing::kDash);
    if (!compiled) return tl::unexpected(LogFailure{field + ".format", compiled.error()});
    auto destination = fallback.writer->Open(to);
    if (!destination) return tl::unexpected(LogFailure{field + ".to", destination.error()});
    targets.push_back({*std::move(compiled), *std::move(destination)});
    return {};
  };
  for (int i = 0; i < spec.access_log_size(); ++i) {
    const v1::AccessLog& log = spec.access_log(i);
    if (auto added = add(fmt::format("spec.accessLog[{}]", i), log.format(), log.to()); !added) {
      return tl::unexpected(added.error());
    }
  }
  if (spec.access_log().empty()) {
    if (auto added = add("spec.accessLog", "", fallback.to); !added) {
      return tl::unexpected(added.error());
    }
  }
  return targets;
}

// The name of an upstream with a unix endpoint, if there is one.
const std::string* FindUnixUpstream(const ListenerParts& parts) {
  for (const auto& [name, upstream] : parts.upstreams) {
    if (upstream->has_unix_endpoint) return &name;
  }
  return nullptr;
}

}  // namespace

tl::expected<std::shared_ptr<const ListenerConfig>, v1::ResourceProblem> CompileListener(
    const ListenerParts& parts, const AccessLogDefault& access_log, const AllowedFolders& sockets,
    StateTable& states) {
  const model::Resource& resource = *parts.listener.resource;
  const auto& spec = resource.As<v1::Listener>().spec();
  const auto problem = [&](v1::ResourceProblem::State state, const ProblemText& text) {
    return tl::unexpected(MakeProblem(resource.key(), parts.listener.version, state, text));
  };
  const auto refuse = [&](std::string_view field, const std::string& message) {
    return problem(v1::ResourceProblem::REFUSED, {"Invalid", field, message});
  };

  auto config = std::make_shared<ListenerConfig>();
  config->ns = resource.key().ns;
  config->name = resource.key().name;
  const std::string full_name = resource.key().DiscoveryName();

  config->address = resource.address(0);
  if (config->address.is_unix() && !sockets.Allows(UnixPathOf(config->address))) {
    return problem(
        v1::ResourceProblem::REFUSED,
        {kPathNotAllowed, "spec.address",
         fmt::format("socket {} is refused: this data plane lets listeners make sockets in {} "
                     "(--socket-dir); use an allowed folder, or start the data plane with a "
                     "--socket-dir that the path is in",
                     Quoted(spec.address()), sockets.Text())});
  }
  config->protocol = spec.protocol() == v1::ListenerSpec::UDP ? Protocol::kUdp : Protocol::kTcp;
  config->socket = CompileSocket(spec);
  config->tcp = CompileTcp(spec);
  config->udp = CompileUdp(spec);
  if (config->protocol == Protocol::kUdp) {
    if (const std::string* upstream = FindUnixUpstream(parts)) {
      return refuse("spec.protocol", fmt::format("upstream '{}' has a unix endpoint, which a UDP "
                                                 "listener cannot use",
                                                 *upstream));
    }
  }
  std::map<std::string, std::uint32_t, std::less<>> targets;
  for (const auto& [name, upstream] : parts.upstreams) {
    targets[name] = static_cast<std::uint32_t>(config->upstreams.size());
    config->upstreams.push_back(upstream->shared);
  }

  Result<PhaseChain> phases = BuildPhases({full_name, spec, parts.policies, targets, states});
  if (!phases) return refuse("spec", phases.error().message);
  config->phases = *std::move(phases);

  auto logs = CompileAccessLogs(spec, access_log);
  if (!logs) {
    const bool refused = logs.error().error.code == ErrorCode::kPermissionDenied;
    return problem(refused ? v1::ResourceProblem::REFUSED : v1::ResourceProblem::NOT_PROGRAMMED,
                   {refused ? kPathNotAllowed : kLogUnavailable, logs.error().field,
                    logs.error().error.message});
  }
  config->access_log = *std::move(logs);
  config->shared = states.Listener(full_name);
  return config;
}

}  // namespace sluice::dataplane
