// Whatever a server sends: each response gets one reply with its nonce, and what was refused in one
// is not among what the next stream announces as held.
#include <set>
#include <string>

#include "common/base/check.h"
#include "dataplane/discovery/delta_client.h"
#include "tests/fuzz/pieces.h"

using namespace sluice;
using namespace sluice::dataplane;

namespace {

std::set<std::string> Announced(DeltaClient& client) {
  std::set<std::string> held;
  for (const auto& request : client.StartStream()) {
    for (const auto& [name, version] : request.initial_resource_versions()) {
      held.insert(request.type_url() + ' ' + name + ' ' + version);
    }
  }
  return held;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  DeltaClient client({"node", {{"role", "gateway"}}});
  client.StartStream();
  client.OnInitialMetadata(data[0] % 2 == 1);
  for (const std::string_view piece : test::PiecesOf(data + 1, size - 1)) {
    if (piece.empty()) {  // The stream breaks.
      client.StartStream();
      client.OnInitialMetadata(data[0] % 2 == 1);
      continue;
    }
    DeltaClient::Response response;
    if (!response.ParseFromArray(piece.data(), static_cast<int>(piece.size()))) continue;
    const DeltaClient::Step step = client.OnResponse(response);
    SLUICE_CHECK(step.reply.response_nonce() == response.nonce());
    SLUICE_CHECK(step.refused.empty() || step.reply.has_error_detail());
  }
  const std::set<std::string> first = Announced(client);
  SLUICE_CHECK(first == Announced(client));
  return 0;
}
