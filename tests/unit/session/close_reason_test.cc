#include "dataplane/session/close_reason.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "tests/support/source_tree.h"

namespace sluice::dataplane {
namespace {

TEST(CloseReasons, HaveATokenEachThatNoOtherHas) {
  std::set<std::string_view> tokens;
  for (const CloseReasonRow& row : CloseReasons()) EXPECT_TRUE(tokens.insert(row.token).second);
}

TEST(CloseReasons, AreTheRowsOfTheirReferencePage) {
  std::ifstream file(test::SourceFile("docs/reference/close-reasons.md"));
  const std::string page(std::istreambuf_iterator<char>(file), {});
  std::string rows;
  for (const CloseReasonRow& row : CloseReasons()) {
    if (row.reason == CloseReason::kOpen) continue;
    rows += fmt::format("| `{}` | {} | {} | {} | {} |\n", row.token, row.side, row.phase,
                        row.status, row.meaning);
  }
  EXPECT_NE(page.find(rows), std::string::npos)
      << "docs/reference/close-reasons.md should have these rows:\n"
      << rows;
}

}  // namespace
}  // namespace sluice::dataplane
