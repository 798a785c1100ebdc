// What a person is told when the control plane cannot be asked: where ctl looked, where it had the
// address from, why it failed and what to check. Pure.
#pragma once

#include <string>
#include <string_view>

#include "controlplane/ctl/server_address.h"

namespace sluice::ctl {

// From gRPC's account of a call that ended with UNAVAILABLE: `Connection refused`, without its
// internals. Text that is not an account of a failed connection stays as it is.
std::string PlainReason(std::string_view account);

// The whole message for such a call. A connection that was never there gets advice; a control plane
// that answers but is busy or stopping speaks for itself.
std::string UnavailableText(const ServerAddress& server, std::string_view account);

// gRPC says that there was no connection, ever: nobody has taken the request.
bool NeverConnected(std::string_view account);

// Follows the text of a change whose answer was lost.
std::string_view UnknownOutcomeText();

// Connected or not, no answer came in time.
std::string NoAnswerText(const ServerAddress& server, std::string_view patience);

// Something answers that does not have this API.
std::string NotThisApiText(const ServerAddress& server, std::string_view account);

}  // namespace sluice::ctl
