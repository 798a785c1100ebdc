#include "tests/support/dns_server.h"

#include "common/base/check.h"

namespace sluice::test {

DnsServer::DnsServer(const std::string& answer) {
  process_ = std::make_unique<Process>(std::vector<std::string>{
      "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
      "--user=", "--group=", "--pid-file=", "--listen-address=127.0.0.1", "--bind-interfaces",
      "--port=" + std::to_string(port_.port()), "--address=/test/" + answer,
      "--dns-forward-max=10000"});
  SLUICE_CHECK(Eventually([this, &answer] { return AskDns(Address(), "ready.test") == answer; }));
}

std::string AskDns(const std::string& address, const std::string& name) {
  const auto colon = address.rfind(':');
  std::string out = Run({"dig", "+short", "+tries=1", "+time=2", "@" + address.substr(0, colon),
                         "-p", address.substr(colon + 1), name, "A"})
                        .out;
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace sluice::test
