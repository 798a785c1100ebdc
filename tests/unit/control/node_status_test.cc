#include "dataplane/control/node_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::dataplane {
namespace {

using ::testing::HasSubstr;

v1::ResourceProblem Problem(const std::string& kind, const std::string& name) {
  v1::ResourceProblem problem;
  problem.set_kind(kind);
  problem.set_name(name);
  problem.set_reason("Wrong");
  problem.set_message("as it is");
  return problem;
}

TEST(Readiness, IsThereWithNoListenersAndWithAllOfThem) {
  EXPECT_TRUE(ReadinessOf({}, 0).ready);
  EXPECT_TRUE(ReadinessOf({}, 3).ready);
  EXPECT_EQ(ReadinessOf({}, 3).text, "");
}

TEST(Readiness, IsThereWithSomeListenersAndNamesTheOthers) {
  const Readiness some = ReadinessOf({Problem("Listener", "default/a")}, 1);
  EXPECT_TRUE(some.ready);
  EXPECT_EQ(some.text, "listener default/a: Wrong: as it is");
}

TEST(Readiness, IsGoneWithNoneOfTheListeners) {
  const Readiness none = ReadinessOf({Problem("Listener", "default/a")}, 0);
  EXPECT_FALSE(none.ready);
  EXPECT_EQ(none.text, "no listener can be served\nlistener default/a: Wrong: as it is");
}

TEST(Readiness, DoesNotDependOnOtherObjects) {
  EXPECT_TRUE(ReadinessOf({Problem("Upstream", "default/a")}, 0).ready);
}

TEST(Readiness, NamesAtMostTwentyListeners) {
  std::vector<v1::ResourceProblem> problems;
  for (int i = 0; i < 25; ++i) {
    problems.push_back(Problem("Listener", "default/l" + std::to_string(i)));
  }
  EXPECT_THAT(ReadinessOf(problems, 1).text, HasSubstr("default/l19: Wrong: as it is\nand 5 more"));
}

}  // namespace
}  // namespace sluice::dataplane
