#include "common/model/kind.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace sluice::model {
namespace {

TEST(Kinds, AreFoundByEveryNameWithoutRegardToCase) {
  for (const Kind& kind : Kinds()) {
    EXPECT_EQ(FindKind(kind.name), &kind);
    EXPECT_EQ(FindKind(kind.plural), &kind);
    for (std::string_view name : kind.short_names) EXPECT_EQ(FindKind(name), &kind);
    EXPECT_EQ(FindKindByTypeUrl(kind.type_url), &kind);
  }
  EXPECT_EQ(FindKind("LISTENERS"), FindKind("Listener"));
  EXPECT_EQ(FindKind("nothing"), nullptr);
  EXPECT_EQ(FindKind(""), nullptr);
  EXPECT_EQ(FindKindByTypeUrl("type.googleapis.com/sluice.v1.Nothing"), nullptr);
}

TEST(Kinds, HaveNoNameInCommonAndAscendingRanks) {
  std::set<std::string_view> names;
  int last_rank = -1;
  for (const Kind& kind : Kinds()) {
    EXPECT_GT(kind.rank, last_rank);
    last_rank = kind.rank;
    EXPECT_TRUE(names.insert(kind.plural).second);
    for (std::string_view name : kind.short_names) EXPECT_TRUE(names.insert(name).second) << name;
  }
}

TEST(Kinds, HaveTheTypeUrlOfTheirMessage) {
  for (const Kind& kind : Kinds()) {
    EXPECT_EQ(kind.type_url,
              "type.googleapis.com/" + kind.prototype().GetDescriptor()->full_name());
    EXPECT_EQ(kind.name, kind.prototype().GetDescriptor()->name());
  }
}

}  // namespace
}  // namespace sluice::model
