#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/manifest/manifest.h"

namespace sluice::manifest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Check(std::string_view text, bool self_contained) {
  const ParseOutcome outcome = ParseManifest(text, "f.yaml");
  for (const Diagnostic& diagnostic : outcome.diagnostics) ADD_FAILURE() << diagnostic.Text();
  std::vector<std::string> texts;
  for (const Diagnostic& diagnostic : ValidateDocuments(outcome.documents, self_contained)) {
    texts.push_back(diagnostic.Text());
  }
  return texts;
}

constexpr std::string_view kListener = R"(apiVersion: sluice.dev/v1
kind: Listener
metadata: {name: l}
spec:
  address: 0.0.0.0:1
  routes:
  - proxy: {upstream: u}
)";

TEST(ValidateDocuments, GivesViolationsTheirPosition) {
  EXPECT_THAT(Check("apiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: u}\nspec:\n  "
                    "endpoints:\n  - address: db1\n",
                    true),
              ElementsAre(HasSubstr("got 'db1' (f.yaml:6:5)")));
}

TEST(ValidateDocuments, MissesReferencesOnlyWhenNothingElseIsToCome) {
  EXPECT_THAT(Check(kListener, false), IsEmpty());
  EXPECT_THAT(Check(kListener, true),
              ElementsAre(HasSubstr(
                  "must name an existing Upstream of namespace 'default', got 'u' (f.yaml:7:13)")));
}

TEST(ValidateDocuments, DoesNotMissWhatIsThereButWrong) {
  const std::string text = std::string(kListener) +
                           "---\napiVersion: sluice.dev/v1\nkind: Upstream\nmetadata: {name: u}\n"
                           "spec: {balance: {policy: HASH}}\n";
  EXPECT_THAT(Check(text, true), ElementsAre(HasSubstr("hash.key` is required")));
}

TEST(ValidateDocuments, SeesConflictsBetweenDocuments) {
  const std::string twin = std::string(kListener) + "---\n" +
                           std::string(kListener).replace(kListener.find("name: l"), 7, "name: m");
  EXPECT_THAT(Check(twin, false), ElementsAre(HasSubstr("that listener/l has too")));
}

}  // namespace
}  // namespace sluice::manifest
