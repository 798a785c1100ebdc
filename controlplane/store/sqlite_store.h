// The embedded engine: one SQLite file, WAL, synced before a commit returns.
//
// Tables (schema 1):
//   state    one row: the generation, and the generation after which history is complete
//   objects  every object as it is
//   history  per generation the objects it changed as they were before: an undo log. The form after
//            a change is the form before the next change of that object, or the object as it is, so
//            every form is kept once.
//
// Several processes of one machine may have the file (StoreLock): whoever writes reads the
// generation first, within the transaction. Reading it with SQLite's own tools is possible
// meanwhile.
#pragma once

#include <memory>
#include <string>

#include "controlplane/store/store.h"

namespace sluice::controlplane {

// Creates the file, not its directory.
Result<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path);

}  // namespace sluice::controlplane
