// Brings a database file to the schema of this program, or says why it cannot: another program's
// file, a newer sluice's, damage. Runs once, before the store serves; other processes may do the
// same at the same time, and some may serve already.
#pragma once

#include "common/base/error.h"
#include "controlplane/store/sqlite_database.h"

namespace sluice::controlplane {

Result<void> PrepareSchema(SqliteDatabase& database);

}  // namespace sluice::controlplane
