#include "common/model/listener.h"

#include <fmt/format.h>

#include <set>

#include "common/base/limits.h"
#include "common/base/text_format.h"
#include "common/model/field_check.h"
#include "sluice/v1/listener.pb.h"

namespace sluice::model {
namespace {

using namespace std::chrono_literals;

constexpr auto kDay = 24h;

bool IsUdp(const v1::ListenerSpec& spec) { return spec.protocol() == v1::ListenerSpec::UDP; }

// A field that does nothing with this protocol must not look as if it did.
void RefuseForUdp(const v1::ListenerSpec& spec, bool present, std::string_view field,
                  FieldCheck& check) {
  if (present && IsUdp(spec)) check.Refuse(field, "is for TCP only, got protocol 'UDP'");
}

void CheckAddress(const v1::ListenerSpec& spec, FieldCheck& check) {
  if (!v1::ListenerSpec::Protocol_IsValid(spec.protocol())) {
    check.UnknownEnum("spec.protocol", spec.protocol());
  }
  if (spec.address().empty()) return check.RefuseMissing("spec.address");
  const auto address = SocketAddress::Parse(spec.address());
  if (!address) {
    check.Refuse("spec.address", address.error().message);
  } else if (HasControlCharacter(spec.address())) {
    check.Refuse("spec.address", fmt::format("must have a path without control characters, got {}",
                                             Quoted(spec.address())));
  } else if (address->is_unix() && IsUdp(spec)) {
    check.Refuse("spec.address", fmt::format("must be host:port with protocol UDP, got {}",
                                             Quoted(spec.address())));
  }
}

void CheckSocket(const v1::ListenerSpec& spec, FieldCheck& check) {
  const v1::SocketOptions& socket = spec.socket();
  constexpr std::uint64_t kLeastBuffer = 4 * 1024;
  constexpr std::uint64_t kMostBuffer = 64 * 1024 * 1024;
  RefuseForUdp(spec, socket.has_backlog(), "spec.socket.backlog", check);
  RefuseForUdp(spec, socket.has_keepalive(), "spec.socket.keepalive", check);
  if (socket.has_backlog()) check.Number("spec.socket.backlog", socket.backlog(), 1, 65535);
  if (socket.has_receive_buffer()) {
    check.Size("spec.socket.receiveBuffer", socket.receive_buffer(), kLeastBuffer, kMostBuffer);
  }
  if (socket.has_send_buffer()) {
    check.Size("spec.socket.sendBuffer", socket.send_buffer(), kLeastBuffer, kMostBuffer);
  }
  const v1::TcpKeepalive& keepalive = socket.keepalive();
  const DurationRange probing{1s, 9h, /*or_zero=*/false, /*whole_seconds=*/true};
  if (keepalive.has_idle()) check.Duration("spec.socket.keepalive.idle", keepalive.idle(), probing);
  if (keepalive.has_interval()) {
    check.Duration("spec.socket.keepalive.interval", keepalive.interval(), probing);
  }
  if (keepalive.has_count()) check.Number("spec.socket.keepalive.count", keepalive.count(), 1, 127);
}

void CheckAccessPolicies(const v1::ListenerSpec& spec, FieldCheck& check) {
  const std::string field = "spec.accessPolicies";
  check.Count(field, static_cast<std::size_t>(spec.access_policies_size()), 0,
              limits::kAccessPoliciesPerListener);
  std::set<std::string_view> seen;
  std::size_t index = 0;
  for (const std::string& policy : spec.access_policies()) {
    if (check.full()) return;
    check.ObjectName(Item(field, index), policy);
    if (!seen.insert(policy).second) {
      check.Refuse(Item(field, index),
                   fmt::format("must be named once, got {} again", Quoted(policy)));
    }
    ++index;
  }
}

void CheckLimits(const v1::ListenerLimits& bounds, FieldCheck& check) {
  if (bounds.has_connections()) {
    check.Number("spec.limits.connections", bounds.connections(), 1, 10'000'000);
  }
  const std::string field = "spec.limits.perKey";
  check.Count(field, static_cast<std::size_t>(bounds.per_key_size()), 0,
              limits::kKeyLimitsPerListener);
  for (int i = 0; i < bounds.per_key_size() && !check.full(); ++i) {
    const v1::KeyLimit& limit = bounds.per_key(i);
    const std::string at = Item(field, static_cast<std::size_t>(i));
    check.Template(at + ".key", limit.key(), TemplateUse::kKey);
    if (limit.has_connections()) {
      check.Number(at + ".connections", limit.connections(), 1, 65535);
    } else {
      check.RefuseMissing(at + ".connections");
    }
  }
}

void CheckSplit(const v1::ProxyAction& proxy, const std::string& at, FieldCheck& check) {
  const std::string field = at + ".split";
  check.Count(field, static_cast<std::size_t>(proxy.split_size()), 2, limits::kSplitTargets);
  std::set<std::string_view> seen;
  std::uint64_t sum = 0;
  bool weights_fit = true;
  for (int i = 0; i < proxy.split_size() && !check.full(); ++i) {
    const v1::WeightedUpstream& target = proxy.split(i);
    const std::string entry = Item(field, static_cast<std::size_t>(i));
    check.ObjectName(entry + ".upstream", target.upstream());
    if (!target.upstream().empty() && !seen.insert(target.upstream()).second) {
      check.Refuse(entry + ".upstream", fmt::format("must be named once in a split, got {} again",
                                                    Quoted(target.upstream())));
    }
    if (target.has_weight()) {
      check.Number(entry + ".weight", target.weight(), 0, 1'000'000);
      sum += target.weight();
    } else {
      check.RefuseMissing(entry + ".weight");
      weights_fit = false;
    }
  }
  if (sum == 0 && weights_fit)
    check.Refuse(field, "must have a weight above 0 in at least one entry");
}

void CheckRoutes(const v1::ListenerSpec& spec, FieldCheck& check) {
  const std::string field = "spec.routes";
  check.Count(field, static_cast<std::size_t>(spec.routes_size()), 1, limits::kRoutesPerListener);
  for (int i = 0; i < spec.routes_size() && !check.full(); ++i) {
    const v1::Route& route = spec.routes(i);
    const std::string at = Item(field, static_cast<std::size_t>(i));
    if (route.has_match()) {
      check.Sources(at + ".match.sources", route.match().sources(), limits::kSourcesPerMatch);
    }
    const std::string proxy = at + ".proxy";
    if (!route.has_proxy()) {
      check.RefuseMissing(proxy);
    } else if (route.proxy().upstream().empty() == (route.proxy().split_size() == 0)) {
      check.Refuse(proxy, "must have exactly one of `upstream` and `split`");
    } else if (route.proxy().split_size() > 0) {
      CheckSplit(route.proxy(), proxy, check);
    } else {
      check.ObjectName(proxy + ".upstream", route.proxy().upstream());
    }
  }
}

void CheckTimeouts(const v1::ListenerSpec& spec, FieldCheck& check) {
  const v1::ListenerTimeouts& timeouts = spec.timeouts();
  RefuseForUdp(spec, timeouts.has_connect(), "spec.timeouts.connect", check);
  RefuseForUdp(spec, timeouts.has_half_closed(), "spec.timeouts.halfClosed", check);
  if (timeouts.has_idle() && IsUdp(spec)) {
    check.Refuse("spec.timeouts.idle", "is for TCP only, got protocol 'UDP'; use `spec.udp.idle`");
  }
  if (timeouts.has_connect()) {
    check.Duration("spec.timeouts.connect", timeouts.connect(), {1ms, 1h});
  }
  const DurationRange silence{1ms, 30 * kDay, /*or_zero=*/true};
  if (timeouts.has_idle()) check.Duration("spec.timeouts.idle", timeouts.idle(), silence);
  if (timeouts.has_half_closed()) {
    check.Duration("spec.timeouts.halfClosed", timeouts.half_closed(), silence);
  }
  if (timeouts.has_session()) {
    check.Duration("spec.timeouts.session", timeouts.session(),
                   {1ms, 365 * kDay, /*or_zero=*/true});
  }
}

void CheckRetry(const v1::ListenerSpec& spec, FieldCheck& check) {
  RefuseForUdp(spec, spec.has_retry(), "spec.retry", check);
  const v1::ConnectRetry& retry = spec.retry();
  if (retry.has_attempts()) {
    check.Number("spec.retry.attempts", retry.attempts(), 1, limits::kConnectAttempts);
  }
  if (retry.has_timeout()) check.Duration("spec.retry.timeout", retry.timeout(), {1ms, 1h});
}

void CheckUdp(const v1::ListenerSpec& spec, FieldCheck& check) {
  if (spec.has_udp() && !IsUdp(spec)) {
    check.Refuse("spec.udp", "is for UDP only, got protocol 'TCP'");
  }
  if (spec.udp().has_idle()) check.Duration("spec.udp.idle", spec.udp().idle(), {1ms, kDay});
}

// `off`, a stream, or a file that can be opened whatever the working directory.
bool IsLogTarget(std::string_view to) {
  if (to == "stdout" || to == "stderr" || to == "off") return true;
  constexpr std::size_t kLongestPath = 4095;
  return to.size() > 1 && to.front() == '/' && to.back() != '/' && to.size() <= kLongestPath &&
         !HasControlCharacter(to);
}

void CheckAccessLog(const v1::ListenerSpec& spec, FieldCheck& check) {
  const std::string field = "spec.accessLog";
  check.Count(field, static_cast<std::size_t>(spec.access_log_size()), 0,
              limits::kAccessLogsPerListener);
  for (int i = 0; i < spec.access_log_size() && !check.full(); ++i) {
    const v1::AccessLog& log = spec.access_log(i);
    const std::string at = Item(field, static_cast<std::size_t>(i));
    if (log.to().empty()) {
      check.RefuseMissing(at + ".to");
    } else if (!IsLogTarget(log.to())) {
      check.Refuse(at + ".to",
                   fmt::format("must be stdout, stderr, off or the absolute path of a file, got {}",
                               Quoted(log.to())));
    }
    if (log.to() == "off" && spec.access_log_size() > 1) {
      check.Refuse(at + ".to", "must be the only entry when it is off");
    }
    if (log.format().empty()) continue;
    if (log.to() == "off") check.Refuse(at + ".format", "must be absent when `to` is off");
    // A record is a line, and nothing in it may look like another one or speak to a terminal. Tabs
    // separate fields.
    if (HasControlCharacter(log.format(), "\t")) {
      check.Refuse(at + ".format", fmt::format("must be one line without control characters other "
                                               "than tabs, got {}",
                                               Quoted(log.format())));
    } else {
      check.Template(at + ".format", log.format(), TemplateUse::kLogRecord);
    }
  }
}

}  // namespace

void ValidateListener(const google::protobuf::Message& message, Violations& violations) {
  const auto& spec = dynamic_cast<const v1::Listener&>(message).spec();
  FieldCheck check(violations);
  check.Labels("spec.nodeSelector", spec.node_selector());
  CheckAddress(spec, check);
  CheckSocket(spec, check);
  CheckAccessPolicies(spec, check);
  CheckLimits(spec.limits(), check);
  CheckRoutes(spec, check);
  CheckTimeouts(spec, check);
  CheckRetry(spec, check);
  CheckUdp(spec, check);
  CheckAccessLog(spec, check);
}

std::vector<Reference> ListenerReferences(const google::protobuf::Message& message) {
  const auto& spec = dynamic_cast<const v1::Listener&>(message).spec();
  const Kind* const policy_kind = FindKind("AccessPolicy");
  const Kind* const upstream_kind = FindKind("Upstream");
  std::vector<Reference> references;
  std::size_t index = 0;
  for (const std::string& policy : spec.access_policies()) {
    references.push_back({policy_kind, policy, Item("spec.accessPolicies", index++)});
  }
  for (int i = 0; i < spec.routes_size(); ++i) {
    const v1::ProxyAction& proxy = spec.routes(i).proxy();
    const std::string at = Item("spec.routes", static_cast<std::size_t>(i)) + ".proxy";
    if (!proxy.upstream().empty()) {
      references.push_back({upstream_kind, proxy.upstream(), at + ".upstream"});
    }
    for (int j = 0; j < proxy.split_size(); ++j) {
      references.push_back({upstream_kind, proxy.split(j).upstream(),
                            Item(at + ".split", static_cast<std::size_t>(j)) + ".upstream"});
    }
  }
  return references;
}

std::vector<TemplateField> ListenerTemplates(const google::protobuf::Message& message) {
  const auto& spec = dynamic_cast<const v1::Listener&>(message).spec();
  std::vector<TemplateField> templates;
  std::size_t index = 0;
  for (const v1::KeyLimit& limit : spec.limits().per_key()) {
    templates.push_back(
        {limit.key(), Item("spec.limits.perKey", index++) + ".key", TemplateUse::kKey});
  }
  index = 0;
  for (const v1::AccessLog& log : spec.access_log()) {
    const std::string field = Item("spec.accessLog", index++) + ".format";
    if (!log.format().empty()) templates.push_back({log.format(), field, TemplateUse::kLogRecord});
  }
  return templates;
}

std::vector<std::string_view> ListenerAddresses(const google::protobuf::Message& message) {
  return {dynamic_cast<const v1::Listener&>(message).spec().address()};
}

}  // namespace sluice::model
