#include <gmock/gmock.h>

#include "tests/unit/model/from_yaml.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kTcp = "address: '0.0.0.0:53', routes: [{proxy: {upstream: u}}]";

std::vector<std::string> Check(std::string_view fields) {
  return Messages(Validate(One("Listener", "{" + std::string(fields) + "}")));
}
// With what every listener needs.
std::vector<std::string> CheckTcp(std::string_view fields) {
  return Check(std::string(kTcp) + ", " + std::string(fields));
}
std::vector<std::string> CheckUdp(std::string_view fields) {
  return CheckTcp("protocol: UDP, " + std::string(fields));
}

TEST(Listener, NeedsAnAddressAndARoute) {
  EXPECT_THAT(Check(""), ElementsAre("`spec.address` is required",
                                     "`spec.routes` must have 1-64 entries, got 0"));
  EXPECT_THAT(Check(kTcp), IsEmpty());
}

TEST(Listener, TakesUnixSocketsForTcpOnly) {
  EXPECT_THAT(Check("address: unix:/run/a, routes: [{proxy: {upstream: u}}]"), IsEmpty());
  EXPECT_THAT(Check("address: unix:/run/a, protocol: UDP, routes: [{proxy: {upstream: u}}]"),
              ElementsAre("`spec.address` must be host:port with protocol UDP, got 'unix:/run/a'"));
}

TEST(Listener, RefusesTcpFieldsOnUdp) {
  EXPECT_THAT(
      CheckUdp("socket: {backlog: 1, keepalive: {}}, timeouts: {connect: 1s, idle: 1s, halfClosed: "
               "1s}, retry: {}"),
      ElementsAre(
          HasSubstr("`spec.socket.backlog` is for TCP only"),
          HasSubstr("`spec.socket.keepalive` is for TCP only"),
          HasSubstr("`spec.timeouts.connect` is for TCP only"),
          HasSubstr("`spec.timeouts.halfClosed` is for TCP only"),
          HasSubstr(
              "`spec.timeouts.idle` is for TCP only, got protocol 'UDP'; use `spec.udp.idle`"),
          HasSubstr("`spec.retry` is for TCP only")));
  EXPECT_THAT(
      CheckUdp("udp: {idle: 60s, expectedResponses: 0, maxRequests: 0}, timeouts: {session: 1h}"),
      IsEmpty());
}

TEST(Listener, RefusesUdpFieldsOnTcp) {
  EXPECT_THAT(CheckTcp("udp: {}"), ElementsAre("`spec.udp` is for UDP only, got protocol 'TCP'"));
}

TEST(Listener, KeepsNumbersAndDurationsInTheirRanges) {
  EXPECT_THAT(
      CheckTcp("socket: {backlog: 0, keepalive: {idle: 1500ms, interval: 10h, count: 128}, "
               "receiveBuffer: 1KiB, sendBuffer: 65MiB},"
               "timeouts: {connect: 0s, idle: 31d, halfClosed: 1us, session: 366d}, retry: "
               "{attempts: 17, timeout: 2h},"
               "limits: {connections: 0}"),
      ElementsAre("`spec.socket.backlog` must be 1-65535, got '0'",
                  "`spec.socket.receiveBuffer` must be 4KiB-64MiB, got '1KiB'",
                  "`spec.socket.sendBuffer` must be 4KiB-64MiB, got '65MiB'",
                  "`spec.socket.keepalive.idle` must be 1s-9h in whole seconds, got '1s500ms'",
                  "`spec.socket.keepalive.interval` must be 1s-9h in whole seconds, got '10h'",
                  "`spec.socket.keepalive.count` must be 1-127, got '128'",
                  "`spec.limits.connections` must be 1-10000000, got '0'",
                  "`spec.timeouts.connect` must be 1ms-1h, got '0s'",
                  "`spec.timeouts.idle` must be 0s or 1ms-30d, got '31d'",
                  "`spec.timeouts.halfClosed` must be 0s or 1ms-30d, got '1us'",
                  "`spec.timeouts.session` must be 0s or 1ms-365d, got '366d'",
                  "`spec.retry.attempts` must be 1-16, got '17'",
                  "`spec.retry.timeout` must be 1ms-1h, got '2h'"));
  EXPECT_THAT(CheckTcp("timeouts: {idle: 0s, halfClosed: 0, session: 0s}"), IsEmpty());
}

TEST(Listener, SendsASessionToExactlyOneOfUpstreamAndSplit) {
  const auto route = [](std::string_view proxy) {
    return Check("address: '0.0.0.0:53', routes: [" + std::string(proxy) + "]");
  };
  EXPECT_THAT(route("{}"), ElementsAre("`spec.routes[0].proxy` is required"));
  EXPECT_THAT(route("{proxy: {}}"),
              ElementsAre(HasSubstr("exactly one of `upstream` and `split`")));
  EXPECT_THAT(
      route("{proxy: {upstream: a, split: [{upstream: b, weight: 1}, {upstream: c, weight: 1}]}}"),
      ElementsAre(HasSubstr("exactly one of")));
  EXPECT_THAT(route("{proxy: {split: [{upstream: b, weight: 0}, {upstream: c, weight: 1}]}}"),
              IsEmpty());
  EXPECT_THAT(route("{proxy: {split: [{upstream: b, weight: 1}]}}"),
              ElementsAre(HasSubstr("2-32 entries, got 1")));
  EXPECT_THAT(route("{proxy: {split: [{upstream: b, weight: 0}, {upstream: c, weight: 0}]}}"),
              ElementsAre(HasSubstr("a weight above 0")));
  EXPECT_THAT(
      route("{proxy: {split: [{upstream: b}, {upstream: b, weight: 1000001}]}}"),
      ElementsAre("`spec.routes[0].proxy.split[0].weight` is required",
                  HasSubstr("must be named once in a split"), HasSubstr("must be 0-1000000")));
}

TEST(Listener, MatchesOnSourcesOnly) {
  EXPECT_THAT(Check("address: '0.0.0.0:53', routes: [{match: {}, proxy: {upstream: u}}]"),
              ElementsAre("`spec.routes[0].match.sources` must have 1-1024 entries, got 0"));
}

TEST(Listener, LimitsByKeys) {
  EXPECT_THAT(CheckTcp("limits: {perKey: [{key: $remote_addr, connections: 20}]}"), IsEmpty());
  EXPECT_THAT(CheckTcp("limits: {perKey: [{key: '$', connections: 1}, {key: '', connections: "
                       "65536}, {key: $pid}]}"),
              ElementsAre(HasSubstr("`spec.limits.perKey[0].key` must write a variable as"),
                          "`spec.limits.perKey[1].key` is required", HasSubstr("must be 1-65535"),
                          "`spec.limits.perKey[2].connections` is required"));
}

TEST(Listener, LogsToKnownPlaces) {
  for (const char* to : {"stdout", "stderr", "off", "/var/log/sluice.log"}) {
    EXPECT_THAT(CheckTcp("accessLog: [{to: " + std::string(to) + "}]"), IsEmpty()) << to;
  }
  for (const char* to : {"syslog", "relative/path", "/", "/dir/"}) {
    EXPECT_THAT(CheckTcp("accessLog: [{to: " + std::string(to) + "}]"),
                ElementsAre(HasSubstr("must be stdout")))
        << to;
  }
  EXPECT_THAT(CheckTcp("accessLog: [{to: stdout, format: \"$status\\t$protocol\"}]"), IsEmpty());
  EXPECT_THAT(CheckTcp("accessLog: [{to: stdout, format: \"$status\\nroot::0:0\"}]"),
              ElementsAre("`spec.accessLog[0].format` must be one line without control characters "
                          "other than tabs, got '$status\\x0aroot::0:0'"));
  EXPECT_THAT(CheckTcp("accessLog: [{to: off}, {to: stdout, format: '${'}]"),
              ElementsAre(HasSubstr("must be the only entry"), HasSubstr("write a variable as")));
  EXPECT_THAT(CheckTcp("accessLog: [{to: off, format: x}]"),
              ElementsAre(HasSubstr("must be absent")));
}

TEST(Listener, NamesEachPolicyOnce) {
  EXPECT_THAT(CheckTcp("accessPolicies: [a, a, B]"),
              ElementsAre("`spec.accessPolicies[1]` must be named once, got 'a' again",
                          HasSubstr("`spec.accessPolicies[2]` must be 1-63")));
}

}  // namespace
}  // namespace sluice::model
