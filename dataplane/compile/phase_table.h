// Which handlers a listener has, in which phase, built from which part of its spec: the one table
// that a new handler is entered in. Pure, but for the slots it finds in the state table.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/compile/state_table.h"
#include "dataplane/config/phase_handler.h"
#include "dataplane/config/runtime_config.h"
#include "dataplane/phases/access_policy.h"
#include "sluice/v1/listener.pb.h"

namespace sluice::dataplane {

// What handlers are built from.
struct PhaseInputs {
  const std::string& listener;  // namespace/name
  const v1::ListenerSpec& spec;
  const std::vector<std::shared_ptr<const AccessPolicy>>& policies;
  // By metadata.name: where it stands in ListenerConfig::upstreams.
  const std::map<std::string, std::uint32_t, std::less<>>& upstreams;
  StateTable& states;
};

using Handlers = std::vector<std::unique_ptr<const PhaseHandler>>;

struct PhaseRow {
  std::string_view name;
  Phase phase;
  // None, one or several. Fails only on what validation lets through by mistake.
  Result<Handlers> (*build)(const PhaseInputs& inputs);
};

// In the order they run.
std::span<const PhaseRow> PhaseTable();

Result<PhaseChain> BuildPhases(const PhaseInputs& inputs);

}  // namespace sluice::dataplane
