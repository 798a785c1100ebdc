#include "dataplane/variables/ip_text.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <string_view>

#include "common/base/check.h"

namespace sluice::dataplane {

void AppendIpText(const SocketAddress& address, std::string& out) {
  if (address.is_unix()) {
    out += address.IpText();
    return;
  }
  if (address.family() == AF_INET) {  // inet_ntop() would take half the time of a record.
    std::string_view separator;
    for (const char byte : address.ip_bytes()) {
      const fmt::format_int number(static_cast<unsigned char>(byte));
      out += separator;
      out.append(number.data(), number.size());
      separator = ".";
    }
    return;
  }
  char text[INET6_ADDRSTRLEN];
  SLUICE_CHECK(inet_ntop(address.family(), address.ip_bytes().data(), text, sizeof(text)));
  out += text;
}

}  // namespace sluice::dataplane
