#include "controlplane/api/delete_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sample_resources.h"

namespace sluice::controlplane {
namespace {

using test::AsChange;
using test::RefTo;
using test::SampleListener;
using test::SampleUpstream;
using testing::HasSubstr;

class PlanDeleteTest : public testing::Test {
 protected:
  PlanDeleteTest() {
    v1::Upstream free = SampleUpstream("free");
    free.mutable_metadata()->set_resource_version("3");
    state_.generation = 5;
    state_.resources =
        state_.resources.With({AsChange(SampleUpstream("db")), AsChange(free),
                               AsChange(SampleListener("front", "127.0.0.1:5432", "db"))});
  }
  static v1::DeleteRequest Request(std::initializer_list<v1::ObjectRef> objects) {
    v1::DeleteRequest request;
    for (const v1::ObjectRef& object : objects) *request.add_objects() = object;
    return request;
  }
  CatalogState state_;
};

TEST_F(PlanDeleteTest, DeletesWhatNothingRefersTo) {
  const auto changes = PlanDelete(state_, Request({RefTo("Upstream", "free")}));
  ASSERT_TRUE(changes);
  ASSERT_EQ(changes->size(), 1u);
  EXPECT_EQ((*changes)[0].key.name, "free");
  EXPECT_EQ((*changes)[0].after, nullptr);
}

TEST_F(PlanDeleteTest, TakesShortNamesOfKinds) {
  EXPECT_TRUE(PlanDelete(state_, Request({RefTo("upstreams", "free")})));
}

TEST_F(PlanDeleteTest, RefusesWhatAnObjectThatStaysRefersToAndNamesIt) {
  const auto changes =
      PlanDelete(state_, Request({RefTo("Upstream", "free"), RefTo("Upstream", "db")}));
  ASSERT_FALSE(changes);
  EXPECT_EQ(changes.error().code, ErrorCode::kFailedPrecondition);
  ASSERT_EQ(changes.error().violations.size(), 1u);
  EXPECT_EQ(changes.error().violations[0].resource(), 1);
  EXPECT_THAT(changes.error().message, HasSubstr("listener/front"));
  EXPECT_THAT(changes.error().message, HasSubstr("`spec.routes[0].proxy.upstream`"));
}

TEST_F(PlanDeleteTest, DeletesReferrerAndTargetTogether) {
  EXPECT_TRUE(PlanDelete(state_, Request({RefTo("Upstream", "db"), RefTo("Listener", "front")})));
}

TEST_F(PlanDeleteTest, NamesWhatIsNotThere) {
  const auto changes =
      PlanDelete(state_, Request({RefTo("Upstream", "free"), RefTo("Upstream", "gone")}));
  ASSERT_FALSE(changes);
  EXPECT_EQ(changes.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(changes.error().message, HasSubstr("upstream/gone"));
}

TEST_F(PlanDeleteTest, HonoursPreconditions) {
  v1::DeleteRequest request = Request({RefTo("Upstream", "free")});
  request.add_resource_versions("2");
  EXPECT_EQ(PlanDelete(state_, request).error().code, ErrorCode::kConflict);
  request.set_resource_versions(0, "3");
  EXPECT_TRUE(PlanDelete(state_, request));
  request.add_resource_versions("3");
  EXPECT_EQ(PlanDelete(state_, request).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(PlanDeleteTest, RefusesNonsense) {
  EXPECT_EQ(PlanDelete(state_, Request({})).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(PlanDelete(state_, Request({RefTo("Thing", "a")})).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(PlanDelete(state_, Request({RefTo("Upstream", "")})).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(PlanDelete(state_, Request({RefTo("DataPlane", "n")})).error().code,
            ErrorCode::kInvalidArgument);
  const auto twice =
      PlanDelete(state_, Request({RefTo("Upstream", "free"), RefTo("Upstream", "free")}));
  EXPECT_THAT(twice.error().message, HasSubstr("named twice"));
}

}  // namespace
}  // namespace sluice::controlplane
