#include "controlplane/ctl/table.h"

#include <gtest/gtest.h>

namespace sluice::ctl {
namespace {

TEST(Table, AlignsColumnsAndLeavesNoBlanksAtTheEnd) {
  Table table({"NAME", "PROTOCOL", "AGE"});
  table.Add({"a", "TCP", "5s"});
  table.Add({"longer-name", "UDP", "10m"});
  EXPECT_EQ(table.Take(true),
            "NAME          PROTOCOL   AGE\n"
            "a             TCP        5s\n"
            "longer-name   UDP        10m\n");
}

TEST(Table, LeavesTheHeaderOutWhenItIsNotWanted) {
  Table table({"NAME", "AGE"});
  table.Add({"a", "5s"});
  EXPECT_EQ(table.Take(false), "a   5s\n");
}

TEST(Table, PrintsTheHeaderOnceAndKeepsWidthsForRowsThatComeLater) {
  Table table({"NAME", "AGE"});
  table.Add({"long-name", "5s"});
  table.Take(true);
  table.Add({"a", "6s"});
  EXPECT_EQ(table.Take(true), "a           6s\n");
}

TEST(Table, ShowsAnEmptyCellAsADash) {
  Table table({"A", "B"});
  table.Add({"", "x"});
  EXPECT_EQ(table.Take(false), "-   x\n");
}

TEST(Table, CountsCodePointsNotBytes) {
  Table table({"A", "B"});
  table.Add({"é", "1"});
  table.Add({"ab", "2"});
  EXPECT_EQ(table.Take(false), "é    1\nab   2\n");
}

TEST(Table, ACellCannotBreakItsLineOrCommandTheTerminal) {
  Table table({"A"});
  table.Add({"x\ny\x1b[2J\tz"});
  EXPECT_EQ(table.Take(false), "x y?[2J z\n");
}

TEST(Indented, IndentsEveryLineButEmptyOnes) { EXPECT_EQ(Indented("a\n\nb", 2), "  a\n\n  b\n"); }

}  // namespace
}  // namespace sluice::ctl
