// docs/reference/metrics.md against the code.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "tests/support/source_tree.h"
#include "tests/unit/admin/metrics_fixture.h"

namespace sluice::dataplane {
namespace {

std::string Page() {
  std::ifstream file(test::SourceFile("docs/reference/metrics.md"));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// As the page has them: those of the samples, sorted.
std::string LabelsOf(const PrometheusFamily& family) {
  std::string text;
  for (const auto& [label, value] : family.samples.at(0).labels) {
    text += fmt::format("{}`{}`", text.empty() ? "" : ", ", label);
  }
  return text;
}

TEST(MetricsPage, HasARowForEachFamilyInOrderAndNoOther) {
  const TestMetrics metrics;
  metrics.tcp->counters[0]
      .sessions_closed[static_cast<std::size_t>(CloseReason::kFinished)]
      .Add();  // Without one the family has no sample.
  metrics.config.upstreams[0]->shared->counters[0].connect_failures[0].Add();  // Likewise.
  std::string rows;
  for (const PrometheusFamily& family : metrics.Families()) {
    ASSERT_FALSE(family.samples.empty()) << family.name;
    rows += fmt::format("| `{}` | {} | {} | {} |\n", family.name, family.type, LabelsOf(family),
                        family.help);
  }
  std::string page_rows;
  std::ifstream file(test::SourceFile("docs/reference/metrics.md"));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("| `sluice_")) page_rows += line + "\n";
  }
  EXPECT_EQ(page_rows, rows) << "docs/reference/metrics.md should have these rows:\n" << rows;
}

TEST(MetricsPage, NamesNothingThatIsNotPrinted) {
  std::set<std::string, std::less<>> names;
  for (const Metric& metric : Metrics()) names.emplace(metric.name);
  const std::string page = Page();
  for (auto at = page.find("sluice_"); at != page.npos; at = page.find("sluice_", at + 1)) {
    const auto end = page.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", at);
    const std::string name = page.substr(at, end - at);
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

}  // namespace
}  // namespace sluice::dataplane
