#include "controlplane/ctl/object_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ObjectWord Object(std::string_view kind, std::string name) {
  return {model::FindKind(kind), std::move(name)};
}

std::vector<ObjectWord> Parse(const std::vector<std::string>& words) {
  auto objects = ParseObjectWords(words);
  EXPECT_TRUE(objects) << objects.error().message;
  return objects.value_or(std::vector<ObjectWord>());
}

std::string ErrorOf(const std::vector<std::string>& words) {
  const auto objects = ParseObjectWords(words);
  return objects ? "no error" : objects.error().message;
}

TEST(ObjectWords, AKindMeansAllOfIt) {
  EXPECT_THAT(Parse({"listeners"}), ElementsAre(Object("Listener", "")));
  EXPECT_THAT(Parse({"Listener"}), ElementsAre(Object("Listener", "")));
}

TEST(ObjectWords, NamesFollowAKind) {
  EXPECT_THAT(Parse({"upstream", "a", "b"}),
              ElementsAre(Object("Upstream", "a"), Object("Upstream", "b")));
}

TEST(ObjectWords, KindAndNameStandTogetherWithASlash) {
  EXPECT_THAT(Parse({"upstream/a", "listener/b"}),
              ElementsAre(Object("Upstream", "a"), Object("Listener", "b")));
}

TEST(ObjectWords, ANamespaceMayStandBetweenKindAndName) {
  const auto objects = Parse({"upstream/team-a/db", "listener/b"});
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_EQ(TextOf(RefTo(objects[0], "default")), "upstream/team-a/db");
  EXPECT_EQ(TextOf(RefTo(objects[1], "team-b")), "listener/team-b/b");
  EXPECT_THAT(ErrorOf({"upstream//db"}), HasSubstr("KIND/NAMESPACE/NAME"));
  EXPECT_THAT(ErrorOf({"upstream/a/"}), HasSubstr("KIND/NAMESPACE/NAME"));
  EXPECT_THAT(ErrorOf({"upstream/a/b/c"}), HasSubstr("KIND/NAMESPACE/NAME"));
}

TEST(ObjectWords, BytesThatNoNameHasAreRefusedAndNotRepeatedRaw) {
  EXPECT_EQ(ErrorOf({"upstream", "a\nb"}), "'a\\x0ab' is not a name; after a kind come names only");
  EXPECT_THAT(ErrorOf({"upstream", "\xff"}), HasSubstr("is not a name"));
  EXPECT_THAT(ErrorOf({"upstream/a b"}), HasSubstr("must be KIND/NAME"));
  EXPECT_THAT(ErrorOf({"up\x1b[31m"}), testing::Not(HasSubstr("\x1b")));
}

TEST(ObjectWords, SeveralKindsAreSeparatedByCommas) {
  EXPECT_THAT(Parse({"upstreams,listeners"}),
              ElementsAre(Object("Upstream", ""), Object("Listener", "")));
}

TEST(ObjectWords, AllMeansEveryKindThatPeopleWrite) {
  const auto objects = Parse({"all"});
  EXPECT_THAT(objects, ::testing::Contains(Object("Listener", "")));
  EXPECT_THAT(objects, ::testing::Not(::testing::Contains(Object("DataPlane", ""))));
}

TEST(ObjectWords, AMisspeltKindIsAnErrorWithASuggestion) {
  EXPECT_THAT(ErrorOf({"listenrs"}), HasSubstr("did you mean 'listeners'"));
  EXPECT_THAT(ErrorOf({"upstraem/x"}), HasSubstr("did you mean 'upstreams'"));
  EXPECT_THAT(ErrorOf({"pods"}), HasSubstr("the kinds are"));
}

TEST(ObjectWords, MixedFormsAreErrors) {
  EXPECT_THAT(ErrorOf({"upstream/a", "b"}), HasSubstr("'b' must be KIND/NAME"));
  EXPECT_THAT(ErrorOf({"upstream", "listener/b"}), HasSubstr("'listener/b' is not a name"));
  EXPECT_THAT(ErrorOf({"upstreams,listeners", "a"}), HasSubstr("more than one kind"));
  EXPECT_THAT(ErrorOf({"upstream/"}), HasSubstr("KIND/NAME"));
  EXPECT_THAT(ErrorOf({}), HasSubstr("name a kind"));
}

TEST(ObjectNames, AKindAloneIsNotEnough) {
  const auto objects = ParseObjectNames({"listeners"});
  ASSERT_FALSE(objects);
  EXPECT_THAT(objects.error().message, HasSubstr("name the object"));
}

TEST(ObjectText, LeavesTheDefaultNamespaceOut) {
  v1::ObjectRef ref;
  ref.set_kind("Listener");
  ref.set_name("orders-db");
  EXPECT_EQ(TextOf(ref), "listener/orders-db");
}

TEST(NamespaceOf, ReadOnlyKindsBelongToNoNamespaceOfTheUser) {
  EXPECT_EQ(NamespaceOf(*model::FindKind("DataPlane"), "team-a"), "default");
  EXPECT_EQ(NamespaceOf(*model::FindKind("Listener"), "team-a"), "team-a");
}

}  // namespace
}  // namespace sluice::ctl
