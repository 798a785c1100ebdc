#include "dataplane/compile/phase_table.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::dataplane {
namespace {

TEST(PhaseTable, RowsStandInTheOrderTheirPhasesRun) {
  EXPECT_TRUE(
      std::is_sorted(PhaseTable().begin(), PhaseTable().end(),
                     [](const PhaseRow& a, const PhaseRow& b) { return a.phase < b.phase; }));
}

}  // namespace
}  // namespace sluice::dataplane
