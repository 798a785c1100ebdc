#include "dataplane/variables/variables.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <climits>

#include "common/base/check.h"
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

void RemoteAddr(const SessionState& s, std::string& out) { AppendIpText(s.client, out); }
void RemotePort(const SessionState& s, std::string& out) { AppendPort(s.client, out); }
void BinaryRemoteAddr(const SessionState& s, std::string& out) {
  out += s.client.is_unix() ? std::string_view("unix:") : s.client.ip_bytes();
}
void ServerAddr(const SessionState& s, std::string& out) { AppendIpText(s.local, out); }
void ServerPort(const SessionState& s, std::string& out) { AppendPort(s.local, out); }
void ProtocolName(const SessionState& s, std::string& out) {
  out += s.protocol == Protocol::kTcp ? "TCP" : "UDP";
}
void Connection(const SessionState& s, std::string& out) { AppendNumber(s.id, out); }

void Msec(const SessionState&, std::string& out) {
  AppendSeconds(
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()),
      out);
}
void TimeIso8601(const SessionState&, std::string& out) {
  AppendIso8601(std::chrono::system_clock::now(), out);
}
void TimeLocal(const SessionState&, std::string& out) {
  AppendCommonLog(std::chrono::system_clock::now(), out);
}

void Pid(const SessionState&, std::string& out) {
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
void Hostname(const SessionState&, std::string& out) {
  static const std::string hostname = ReadHostname();
  out += hostname;
}

void ListenerName(const SessionState& s, std::string& out) {
  if (s.listener) out += s.listener->name;
}
void Namespace(const SessionState& s, std::string& out) {
  if (s.listener) out += s.listener->ns;
}

void Status(const SessionState& s, std::string& out) {
  const fmt::format_int status(1000 + Describe(s.close_reason).status);  // `1`, then three digits.
  out.append(status.data() + 1, status.size() - 1);
}
void BytesReceived(const SessionState& s, std::string& out) { AppendNumber(s.bytes_received, out); }
void BytesSent(const SessionState& s, std::string& out) { AppendNumber(s.bytes_sent, out); }
void SessionTime(const SessionState& s, std::string& out) {
  AppendSeconds(std::chrono::duration_cast<milliseconds>(s.end - s.start), out);
}

void UpstreamName(const SessionState& s, std::string& out) {
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

void UpstreamAddr(const SessionState& s, std::string& out) {
  if (s.upstream == nullptr) return;
  AppendTries(s, WithoutNamespace(s.upstream->config->name), out, [&](const Attempt& attempt) {
    out += s.upstream->config->balancer->endpoints()[attempt.endpoint].text;
  });
}
void UpstreamBytesSent(const SessionState& s, std::string& out) {
  AppendTries(s, "0", out, [&](const Attempt& a) { AppendNumber(a.bytes_sent, out); });
}
void UpstreamBytesReceived(const SessionState& s, std::string& out) {
  AppendTries(s, "0", out, [&](const Attempt& a) { AppendNumber(a.bytes_received, out); });
}
void UpstreamConnectTime(const SessionState& s, std::string& out) {
  AppendTries(s, "-", out, [&](const Attempt& a) { AppendTryTime(a.connect_time, out); });
}
void UpstreamFirstByteTime(const SessionState& s, std::string& out) {
  AppendTries(s, "-", out, [&](const Attempt& a) { AppendTryTime(a.first_byte_time, out); });
}
void UpstreamSessionTime(const SessionState& s, std::string& out) {
  AppendTries(s, "0.000", out, [&](const Attempt& a) { AppendTryTime(a.session_time, out); });
}

void LimitConnStatus(const SessionState& s, std::string& out) {
  if (s.limit_status == LimitStatus::kPassed) out += "PASSED";
  if (s.limit_status == LimitStatus::kRejected) out += "REJECTED";
}
void AccessPolicy(const SessionState& s, std::string& out) { out += s.access_policy; }

void CloseReasonToken(const SessionState& s, std::string& out) {
  if (HasEnded(s)) out += Describe(s.close_reason).token;
}
void ClosePhase(const SessionState& s, std::string& out) {
  if (HasEnded(s)) out += Describe(s.close_reason).phase;
}
void CloseSide(const SessionState& s, std::string& out) {
  if (HasEnded(s)) out += Describe(s.close_reason).side;
}

}  // namespace

AppendVariable AppenderOf(model::VariableId id) {
  using enum model::VariableId;
  switch (id) {
    case kRemoteAddr:
      return RemoteAddr;
    case kRemotePort:
      return RemotePort;
    case kBinaryRemoteAddr:
      return BinaryRemoteAddr;
    case kServerAddr:
      return ServerAddr;
    case kServerPort:
      return ServerPort;
    case kProtocol:
      return ProtocolName;
    case kConnection:
      return Connection;
    case kMsec:
      return Msec;
    case kTimeIso8601:
      return TimeIso8601;
    case kTimeLocal:
      return TimeLocal;
    case kPid:
      return Pid;
    case kHostname:
      return Hostname;
    case kListener:
      return ListenerName;
    case kNamespace:
      return Namespace;
    case kStatus:
      return Status;
    case kBytesReceived:
      return BytesReceived;
    case kBytesSent:
      return BytesSent;
    case kSessionTime:
      return SessionTime;
    case kUpstream:
      return UpstreamName;
    case kUpstreamAddr:
      return UpstreamAddr;
    case kUpstreamBytesSent:
      return UpstreamBytesSent;
    case kUpstreamBytesReceived:
      return UpstreamBytesReceived;
    case kUpstreamConnectTime:
      return UpstreamConnectTime;
    case kUpstreamFirstByteTime:
      return UpstreamFirstByteTime;
    case kUpstreamSessionTime:
      return UpstreamSessionTime;
    case kLimitConnStatus:
      return LimitConnStatus;
    case kAccessPolicy:
      return AccessPolicy;
    case kCloseReason:
      return CloseReasonToken;
    case kClosePhase:
      return ClosePhase;
    case kCloseSide:
      return CloseSide;
  }
  SLUICE_CHECK(false && "a variable without a value");
  return nullptr;
}

bool MayNeedEscapes(model::VariableId id) {
  using enum model::VariableId;
  switch (id) {
    case kRemotePort:
    case kServerPort:
    case kProtocol:
    case kConnection:
    case kMsec:
    case kTimeIso8601:
    case kTimeLocal:
    case kPid:
    case kStatus:
    case kBytesReceived:
    case kBytesSent:
    case kSessionTime:
    case kUpstreamBytesSent:
    case kUpstreamBytesReceived:
    case kUpstreamConnectTime:
    case kUpstreamFirstByteTime:
    case kUpstreamSessionTime:
    case kLimitConnStatus:
    case kCloseReason:
    case kClosePhase:
    case kCloseSide:
      return false;
    default:
      return true;
  }
}

}  // namespace sluice::dataplane
