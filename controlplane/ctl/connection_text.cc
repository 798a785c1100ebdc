#include "controlplane/ctl/connection_text.h"

#include <fmt/format.h>

namespace sluice::ctl {
namespace {

constexpr std::string_view kNeverConnected = "failed to connect to all addresses";
constexpr std::string_view kNoSuchName = "DNS resolution failed";

std::string_view AfterLast(std::string_view text, std::string_view separator) {
  const auto at = text.rfind(separator);
  return at == std::string_view::npos ? text : text.substr(at + separator.size());
}

std::string Unreachable(const ServerAddress& server, std::string_view reason) {
  return fmt::format(
      "no control plane answers at {} ({}): {}\n"
      "  Is it running?          sluice-controlplane --api {} ...\n"
      "  Is the address right?   --server ADDRESS, SLUICE_SERVER, or `server:` in "
      "~/.config/sluice/ctl.yaml",
      server.target, server.origin, reason, server.target);
}

}  // namespace

std::string PlainReason(std::string_view account) {
  if (account.starts_with(kNeverConnected)) return std::string(AfterLast(account, ": "));
  if (account.starts_with(kNoSuchName)) {
    return fmt::format("the name cannot be resolved: {}", AfterLast(account, ": "));
  }
  return std::string(account);
}

bool NeverConnected(std::string_view account) {
  return account.starts_with(kNeverConnected) || account.starts_with(kNoSuchName);
}

std::string_view UnknownOutcomeText() {
  return "\n  All of the change may be stored, or nothing of it: `ctl get` tells. Doing it again "
         "does no harm.";
}

std::string UnavailableText(const ServerAddress& server, std::string_view account) {
  if (NeverConnected(account)) {
    return Unreachable(server, PlainReason(account));
  }
  return fmt::format("the control plane at {} ({}) did not finish the request: {}", server.target,
                     server.origin, account);
}

std::string NoAnswerText(const ServerAddress& server, std::string_view patience) {
  return Unreachable(server, fmt::format("no answer within {} (--request-timeout)", patience));
}

std::string NotThisApiText(const ServerAddress& server, std::string_view account) {
  auto text = fmt::format(
      "what answers at {} ({}) has not the API of a control plane: is it the port of its --api, "
      "not of its --xds, and is it as new as this ctl?",
      server.target, server.origin);
  if (!account.empty()) text += fmt::format(" It says: {}", account);
  return text;
}

}  // namespace sluice::ctl
