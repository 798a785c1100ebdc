// The text of an IP address, written to the end of a string: SocketAddress::IpText() without a
// string of its own, for the log phase. Pure; thread-safe.
#pragma once

#include <string>

#include "common/base/address.h"

namespace sluice::dataplane {

// Appends what IpText() says.
void AppendIpText(const SocketAddress& address, std::string& out);

}  // namespace sluice::dataplane
