// ctl get --watch: first what is there, then every change, until interrupted. When the control
// plane goes away it goes on where it was as soon as that is back.
#pragma once

#include "controlplane/ctl/client.h"
#include "controlplane/ctl/command.h"
#include "controlplane/ctl/object_words.h"

namespace sluice::ctl {

Exit WatchObjects(const Invocation& invocation, Client& client, const ObjectWord& word);

}  // namespace sluice::ctl
