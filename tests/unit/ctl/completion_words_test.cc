#include "controlplane/ctl/completion_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/model/kind.h"
#include "controlplane/ctl/commands.h"

namespace sluice::ctl {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

constexpr const Command* kCommands[] = {&kApplyCommand,     &kGetCommand,        &kDeleteCommand,
                                        &kEndpointsCommand, &kCompletionCommand, &kWaitCommand,
                                        &kHelpCommand,      &kCompleteCommand};

Completion After(const std::vector<std::string>& words) {
  const CompletionSource source{
      .commands = kCommands,
      .names = [](std::string_view kind) -> std::vector<std::string> {
        if (model::FindKind(kind) != model::FindKind("Upstream")) return {};
        return {"orders-db", "orders-eu", "cache"};
      },
      .addresses = [](std::string_view) -> std::vector<std::string> { return {"10.0.0.1:1"}; }};
  return Complete(source, words);
}

TEST(Completion, OffersCommandsFirstButNoHiddenOnes) {
  EXPECT_THAT(After({""}).words, IsSupersetOf({"apply", "get", "delete", "endpoints"}));
  EXPECT_THAT(After({""}).words, Not(Contains("__complete")));
  EXPECT_THAT(After({"comp"}).words, ElementsAre("completion"));
}

TEST(Completion, OffersEveryFlagOfTheCommandAndTheGlobalOnes) {
  const auto words = After({"get", "-"}).words;
  for (const Option& option : kGetCommand.options) {
    EXPECT_THAT(words, Contains(std::string(option.flag)));
  }
  for (const Option& option : GlobalOptions()) {
    EXPECT_THAT(words, Contains(std::string(option.flag)));
  }
}

TEST(Completion, DoesNotOfferAFlagTwiceUnlessItRepeats) {
  EXPECT_THAT(After({"apply", "--wait", "--"}).words, Not(Contains("--wait")));
  EXPECT_THAT(After({"apply", "-f", "a.yaml", "--"}).words, Contains("--filename"));
}

TEST(Completion, OffersEveryKind) {
  for (const model::Kind& kind : model::Kinds()) {
    EXPECT_THAT(After({"get", ""}).words, Contains(std::string(kind.plural)));
  }
  EXPECT_THAT(After({"get", "ups"}).words, ElementsAre("upstreams"));
}

TEST(Completion, OffersNamesAfterAKindAndAfterASlash) {
  EXPECT_THAT(After({"get", "upstream", "or"}).words, ElementsAre("orders-db", "orders-eu"));
  EXPECT_THAT(After({"delete", "upstream/c"}).words, ElementsAre("upstream/cache"));
  EXPECT_THAT(After({"get", "-o", "wide", "upstreams", "c"}).words, ElementsAre("cache"));
}

TEST(Completion, OffersTheChoicesOfAFlag) {
  EXPECT_THAT(After({"get", "-o", ""}).words, ElementsAre("json", "name", "wide", "yaml"));
  EXPECT_THAT(After({"get", "--output=ya"}).words, ElementsAre("--output=yaml"));
  EXPECT_THAT(After({"wait", "listener/a", "--for", "condition=S"}).words,
              ElementsAre("condition=Synced"));
}

TEST(Completion, OffersTheChoicesBehindTheEqualsSignOfAShortFlagAndOfASwitch) {
  EXPECT_THAT(After({"get", "-o=js"}).words, ElementsAre("-o=json"));
  EXPECT_THAT(After({"get", "--watch="}).words, ElementsAre("--watch=false", "--watch=true"));
  EXPECT_THAT(After({"apply", "--dry-run="}).words,
              ElementsAre("--dry-run=client", "--dry-run=none", "--dry-run=server"));
  EXPECT_TRUE(After({"apply", "--dry-run", ""}).files) << "its value stands behind = only";
  EXPECT_THAT(After({"get", "--", "-o="}).words, IsEmpty());
}

TEST(Completion, OffersCommandsForHelp) {
  EXPECT_THAT(After({"help", "comp"}).words, ElementsAre("completion"));
  EXPECT_THAT(After({"help", "apply", ""}).words, IsEmpty());
}

TEST(Completion, OffersFilesWhereFilesBelong) {
  EXPECT_TRUE(After({"apply", ""}).files);
  EXPECT_TRUE(After({"apply", "-f", "up"}).files);
  EXPECT_TRUE(After({"--config", ""}).files);
  EXPECT_FALSE(After({"get", ""}).files);
}

TEST(Completion, FollowsTheWordsOfEndpoints) {
  EXPECT_THAT(After({"endpoints", "dr"}).words, ElementsAre("drain"));
  EXPECT_THAT(After({"endpoints", "drain", "c"}).words, ElementsAre("cache"));
  EXPECT_THAT(After({"endpoints", "drain", "cache", ""}).words, ElementsAre("10.0.0.1:1"));
  EXPECT_THAT(After({"endpoints", "drain", "cache", "10.0.0.1:1", ""}).words, IsEmpty());
}

TEST(Completion, OffersShellsOnce) {
  EXPECT_THAT(After({"completion", ""}).words, ElementsAre("bash", "fish", "zsh"));
  EXPECT_THAT(After({"completion", "bash", ""}).words, IsEmpty());
}

TEST(Completion, HasNothingToSayAboutWordsItDoesNotKnow) {
  EXPECT_THAT(After({"get", "--nonsense=x"}).words, IsEmpty());
  EXPECT_THAT(After({}).words, Not(IsEmpty()));
}

}  // namespace
}  // namespace sluice::ctl
