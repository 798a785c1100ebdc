#include "dataplane/variables/variables.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <climits>

#include "common/base/error_name.h"
#include "dataplane/config/runtime_config.h"
#include "dataplane/config/worker_upstream.h"
#include "dataplane/variables/ip_text.h"
#include "dataplane/variables/time_text.h"

namespace sluice::dataplane {
namespace {

using std::chrono::milliseconds;

void AppendNumber(std::uint64_t number, std::string& out) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

void AppendPort(const SocketAddress& address, std::string& out) {
  if (!address.is_unix()) AppendNumber(address.port(), out);
}

std::string_view WithoutNamespace(std::string_view full_name) {
  return full_name.substr(full_name.find('/') + 1);
}

bool HasEnded(const SessionState& s) { return s.close_reason != CloseReason::kOpen; }

void AppendRemoteAddr(const SessionState& s, std::string& out) { AppendIpText(s.client, out); }
void AppendRemotePort(const SessionState& s, std::string& out) { AppendPort(s.client, out); }
void AppendBinaryRemoteAddr(const SessionState& s, std::string& out) {
  out += s.client.is_unix() ? std::string_view("unix:") : s.client.ip_bytes();
}
void AppendServerAddr(const SessionState& s, std::string& out) { AppendIpText(s.local, out); }
void AppendServerPort(const SessionState& s, std::string& out) { AppendPort(s.local, out); }
void AppendProtocol(const SessionState& s, std::string& out) {
  out += s.protocol == Protocol::kTcp ? "TCP" : "UDP";
}
void AppendConnection(const SessionState& s, std::string& out) { AppendNumber(s.id, out); }

void AppendMsec(const SessionState&, std::string& out) {
  AppendSeconds(
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()),
      out);
}
void AppendTimeIso8601(const SessionState&, std::string& out) {
  AppendIso8601(std::chrono::system_clock::now(), out);
}
void AppendTimeLocal(const SessionState&, std::string& out) {
  AppendCommonLog(std::chrono::system_clock::now(), out);
}

void AppendPid(const SessionState&, std::string& out) {
  static const auto pid = static_cast<std::uint64_t>(getpid());
  AppendNumber(pid, out);
}

// In lower case, as nginx has it.
std::string ReadHostname() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  std::string text(name.data());
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}
void AppendHostname(const SessionState&, std::string& out) {
  static const std::string hostname = ReadHostname();
  out += hostname;
}

void AppendListener(const SessionState& s, std::string& out) {
  if (s.listener) out += s.listener->name;
}
void AppendNamespace(const SessionState& s, std::string& out) {
  if (s.listener) out += s.listener->ns;
}

void AppendStatus(const SessionState& s, std::string& out) {
  const fmt::format_int status(1000 + Describe(s.close_reason).status);  // `1`, then three digits.
  out.append(status.data() + 1, status.size() - 1);
}
void AppendBytesReceived(const SessionState& s, std::string& out) {
  AppendNumber(s.bytes_received, out);
}
void AppendBytesSent(const SessionState& s, std::string& out) { AppendNumber(s.bytes_sent, out); }
void AppendSessionTime(const SessionState& s, std::string& out) {
  AppendSeconds(std::chrono::duration_cast<milliseconds>(s.end - s.start), out);
}

void AppendUpstream(const SessionState& s, std::string& out) {
  if (s.route == SessionState::kNoRoute) return;
  out += WithoutNamespace(s.listener->upstreams[s.route]->name);
}

// nginx counts the pick that found no live endpoint as one more try, which has the upstream's name
// for an address.
bool EndedWithoutEndpoint(const SessionState& s) {
  return s.upstream != nullptr && s.close_reason == CloseReason::kNoEndpoint;
}

// One value a try, joined by ", ".
template <typename AppendTry>
void AppendTries(const SessionState& s, std::string_view without_endpoint, std::string& out,
                 AppendTry append_try) {
  std::string_view separator;
  for (const Attempt& attempt : s.attempts) {
    out += separator;
    append_try(attempt);
    separator = ", ";
  }
  if (EndedWithoutEndpoint(s)) {
    out += separator;
    out += without_endpoint;
  }
}

void AppendTryTime(milliseconds time, std::string& out) {
  if (time < milliseconds::zero()) {
    out += '-';
  } else {
    AppendSeconds(time, out);
  }
}

void AppendUpstreamAddr(const SessionState& s, std::string& out) {
  if (s.upstream == nullptr) return;
  AppendTries(s, WithoutNamespace(s.upstream->config->name), out, [&](const Attempt& attempt) {
    out += s.upstream->config->balancer->endpoints()[attempt.endpoint].text;
  });
}
void AppendUpstreamError(const SessionState& s, std::string& out) {
  AppendTries(s, "-", out,
              [&](const Attempt& a) { out += a.error == 0 ? "-" : ErrorName(a.error); });
}
void AppendUpstreamBytesSent(const SessionState& s, std::string& out) {
  AppendTries(s, "0", out, [&](const Attempt& a) { AppendNumber(a.bytes_sent, out); });
}
void AppendUpstreamBytesReceived(const SessionState& s, std::string& out) {
  AppendTries(s, "0", out, [&](const Attempt& a) { AppendNumber(a.bytes_received, out); });
}
void AppendUpstreamConnectTime(const SessionState& s, std::string& out) {
  AppendTries(s, "-", out, [&](const Attempt& a) { AppendTryTime(a.connect_time, out); });
}
void AppendUpstreamFirstByteTime(const SessionState& s, std::string& out) {
  AppendTries(s, "-", out, [&](const Attempt& a) { AppendTryTime(a.first_byte_time, out); });
}
void AppendUpstreamSessionTime(const SessionState& s, std::string& out) {
  AppendTries(s, "0.000", out, [&](const Attempt& a) { AppendTryTime(a.session_time, out); });
}

void AppendLimitConnStatus(const SessionState& s, std::string& out) {
  if (s.limit_status == LimitStatus::kPassed) out += "PASSED";
  if (s.limit_status == LimitStatus::kRejected) out += "REJECTED";
}
void AppendAccessPolicy(const SessionState& s, std::string& out) { out += s.access_policy; }

void AppendCloseReason(const SessionState& s, std::string& out) {
  if (HasEnded(s)) out += Describe(s.close_reason).token;
}
void AppendClosePhase(const SessionState& s, std::string& out) {
  if (HasEnded(s)) out += s.phase ? PhaseName(*s.phase) : Describe(s.close_reason).phase;
}
void AppendCloseSide(const SessionState& s, std::string& out) {
  if (HasEnded(s)) out += Describe(s.close_reason).side;
}

}  // namespace

AppendVariable AppenderOf(model::VariableId id) {
  // In the order of VariableId.
  static constexpr auto kAppenders = std::to_array<AppendVariable>({
#define SLUICE_VARIABLE(id, name, known, text) Append##id,
#include "common/model/variables.def"
#undef SLUICE_VARIABLE
  });
  return kAppenders[static_cast<std::size_t>(id)];
}

}  // namespace sluice::dataplane
