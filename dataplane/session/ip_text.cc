#include "dataplane/session/ip_text.h"

#include <arpa/inet.h>

#include "common/base/check.h"

namespace sluice::dataplane {

void AppendIpText(const SocketAddress& address, std::string& out) {
  if (address.is_unix()) {
    out += address.IpText();
    return;
  }
  char text[INET6_ADDRSTRLEN];
  SLUICE_CHECK(inet_ntop(address.family(), address.ip_bytes().data(), text, sizeof(text)));
  out += text;
}

}  // namespace sluice::dataplane
