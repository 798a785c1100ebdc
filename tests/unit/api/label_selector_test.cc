#include "controlplane/api/label_selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/limits.h"

namespace sluice::controlplane {
namespace {

bool Selects(const std::string& selector,
             std::initializer_list<std::pair<std::string, std::string>> labels) {
  google::protobuf::Map<std::string, std::string> map;
  for (const auto& [key, value] : labels) map[key] = value;
  const auto parsed = LabelSelector::Parse(selector);
  EXPECT_TRUE(parsed) << selector;
  return parsed && parsed->Selects(map);
}

TEST(LabelSelector, SelectsEverythingWhenEmpty) {
  EXPECT_TRUE(Selects("", {}));
  EXPECT_TRUE(Selects("  ", {{"a", "b"}}));
}

TEST(LabelSelector, ComparesWithEquals) {
  EXPECT_TRUE(Selects("a=b", {{"a", "b"}}));
  EXPECT_TRUE(Selects("a == b", {{"a", "b"}}));
  EXPECT_FALSE(Selects("a=b", {{"a", "c"}}));
  EXPECT_FALSE(Selects("a=b", {}));
  EXPECT_TRUE(Selects("a=", {{"a", ""}}));
  EXPECT_FALSE(Selects("a=", {}));
}

TEST(LabelSelector, NotEqualsSelectsObjectsWithoutTheLabelToo) {
  EXPECT_TRUE(Selects("a!=b", {{"a", "c"}}));
  EXPECT_TRUE(Selects("a != b", {}));
  EXPECT_FALSE(Selects("a!=b", {{"a", "b"}}));
}

TEST(LabelSelector, KnowsSets) {
  EXPECT_TRUE(Selects("e in (f,g)", {{"e", "g"}}));
  EXPECT_TRUE(Selects("e in ( f , g )", {{"e", "f"}}));
  EXPECT_FALSE(Selects("e in (f,g)", {{"e", "h"}}));
  EXPECT_FALSE(Selects("e in (f,g)", {}));
  EXPECT_TRUE(Selects("e notin (f,g)", {}));
  EXPECT_FALSE(Selects("e notin (f,g)", {{"e", "f"}}));
  EXPECT_TRUE(Selects("e in (f,)", {{"e", ""}}));
}

TEST(LabelSelector, KnowsPresence) {
  EXPECT_TRUE(Selects("h", {{"h", ""}}));
  EXPECT_FALSE(Selects("h", {}));
  EXPECT_TRUE(Selects("!i", {}));
  EXPECT_FALSE(Selects("! i", {{"i", "x"}}));
  EXPECT_TRUE(Selects("in", {{"in", "x"}}));
}

TEST(LabelSelector, NeedsAllRequirements) {
  const std::string all = "a=b,c!=d,e in (f,g),h,!i,example.com/j=k";
  EXPECT_TRUE(Selects(all, {{"a", "b"}, {"e", "f"}, {"h", ""}, {"example.com/j", "k"}}));
  EXPECT_FALSE(
      Selects(all, {{"a", "b"}, {"e", "f"}, {"h", ""}, {"example.com/j", "k"}, {"i", ""}}));
  EXPECT_FALSE(
      Selects(all, {{"a", "b"}, {"c", "d"}, {"e", "f"}, {"h", ""}, {"example.com/j", "k"}}));
}

TEST(LabelSelector, RefusesWhatIsNotOneAndSaysWhere) {
  for (const std::string text :
       {",", "a,", "a=b=c", "a in", "a in ()x", "a in (b", "=b", "a b", "!", "a=b!", "a!b", "a=-b",
        "a_=b", "/a", "a=b c", "a in b", "é", "a=\"b\""}) {
    const auto parsed = LabelSelector::Parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(parsed.error().message, testing::HasSubstr("is not a label selector")) << text;
  }
  EXPECT_FALSE(LabelSelector::Parse(std::string(limits::kSelectorBytes + 1, 'a')));
}

}  // namespace
}  // namespace sluice::controlplane
