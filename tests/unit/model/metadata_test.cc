#include <gmock/gmock.h>

#include "tests/unit/model/from_yaml.h"

namespace sluice::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Check(std::string_view metadata) {
  return Messages(Validate(One("Upstream", "{}", metadata)));
}

TEST(Metadata, NeedsADnsLabelAsName) {
  EXPECT_THAT(Check("{name: a}"), IsEmpty());
  EXPECT_THAT(Check("{name: a-0}"), IsEmpty());
  EXPECT_THAT(Check("{name: " + std::string(63, 'a') + "}"), IsEmpty());
  EXPECT_THAT(Check("{}"), ElementsAre("`metadata.name` is required"));
  for (const char* name : {"A", "-a", "a-", "a.b", "a_b", "ä"}) {
    EXPECT_THAT(Check("{name: " + std::string(name) + "}"),
                ElementsAre(HasSubstr("`metadata.name` must be 1-63")))
        << name;
  }
  EXPECT_THAT(Check("{name: " + std::string(64, 'a') + "}"), ElementsAre(HasSubstr("1-63")));
}

TEST(Metadata, ChecksTheNamespaceLikeTheName) {
  EXPECT_THAT(Check("{name: a, namespace: team-b}"), IsEmpty());
  EXPECT_THAT(Check("{name: a, namespace: Team}"), ElementsAre(HasSubstr("`metadata.namespace`")));
}

TEST(Metadata, TakesKubernetesLabels) {
  EXPECT_THAT(Check("{name: a, labels: {app.kubernetes.io/name: Web_1.2, empty: ''}}"), IsEmpty());
  EXPECT_THAT(Check("{name: a, labels: {k: 'a b'}}"),
              ElementsAre(HasSubstr("`metadata.labels[k]`")));
  EXPECT_THAT(Check("{name: a, labels: {'a b': x}}"), ElementsAre(HasSubstr("got 'a b'")));
  EXPECT_THAT(Check("{name: a, labels: {'A_/x': x}}"), ElementsAre(HasSubstr("`metadata.labels`")));
  std::string many;
  for (int i = 0; i < 65; ++i) many += "l" + std::to_string(i) + ": x, ";
  EXPECT_THAT(Check("{name: a, labels: {" + many + "}}"),
              ElementsAre(HasSubstr("at most 64 entries, got 65")));
}

TEST(Metadata, BoundsAnnotationsAsAWhole) {
  const std::string half(128 * 1024 - 1, 'x');
  EXPECT_THAT(Check("{name: a, annotations: {a: '" + half + "', b: '" + half + "'}}"), IsEmpty());
  EXPECT_THAT(Check("{name: a, annotations: {a: '" + half + "', b: '" + half + "x'}}"),
              ElementsAre(HasSubstr("at most 256KiB")));
}

TEST(Validate, RefusesKindsThatOnlyTheControlPlaneMakes) {
  const auto resource =
      test::FromYaml("{apiVersion: sluice.dev/v1, kind: DataPlane, metadata: {name: n}}").at(0);
  EXPECT_THAT(Messages(Validate(resource)),
              ElementsAre(HasSubstr("`kind` must be a kind that can be applied")));
}

TEST(Validate, RefusesAFieldThatOnlyANewerVersionKnows) {
  const Resource good = One("Upstream", "{balance: {policy: RANDOM}}");
  google::protobuf::Any any = good.ToAny();
  any.set_value(any.value() + std::string("\xF8\x06\x01", 3));  // Field 111 = 1.
  EXPECT_THAT(Messages(Validate(*Resource::FromAny(any))),
              ElementsAre(HasSubstr("field number '111'")));
}

}  // namespace
}  // namespace sluice::model
