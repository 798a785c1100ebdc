// Whatever a client sends: the session ends the stream with an error or answers, one answer a type
// in flight, and it comes to rest.
#include <map>
#include <string>

#include "common/base/check.h"
#include "controlplane/discovery/delta_session.h"
#include "controlplane/snapshot/visibility_index.h"
#include "tests/fuzz/pieces.h"
#include "tests/support/sample_resources.h"

using namespace sluice;
using namespace sluice::controlplane;

namespace {

std::vector<model::Change> Config(int port) {
  return test::AsChanges({test::MakeUpstream("db", {port}), test::MakeSlice("db-1", "db", {port}),
                          test::MakePolicy("all"),
                          test::MakeListener({.name = "db", .upstream = "db", .port = port})});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  VisibilityIndex index(0, {}, [](const auto&) { return std::vector<model::Resource>(); });
  index.Hold({});
  index.Apply(1, Config(1));
  DeltaSession session(NodeIdentity{"node", {}, ""}, index.SnapshotOf({}));
  std::map<std::string, std::string> in_flight;  // Nonces by type.
  for (const std::string_view piece : test::PiecesOf(data, size)) {
    if (piece.empty()) {
      index.Apply(index.generation() + 1, Config(static_cast<int>(2 + index.generation() % 7)));
      session.OnSnapshot(index.SnapshotOf({}));
    } else {
      envoy::service::discovery::v3::DeltaDiscoveryRequest request;
      if (!request.ParseFromArray(piece.data(), static_cast<int>(piece.size()))) continue;
      const auto waiting = in_flight.find(request.type_url());
      const bool waits = waiting != in_flight.end();
      // `=`: the nonce of what is in flight, which no input can guess.
      if (request.response_nonce() == "=") request.set_response_nonce(waits ? waiting->second : "");
      if (!session.OnRequest(request)) return 0;
      if (waits && waiting->second == request.response_nonce()) in_flight.erase(waiting);
    }
    int answers = 0;
    while (const auto answer = session.NextAnswer()) {
      SLUICE_CHECK(++answers < 1000);
      if (FindStreamedType(answer->type_url)) {
        SLUICE_CHECK(in_flight.emplace(answer->type_url, answer->nonce).second);
      }
    }
  }
  return 0;
}
