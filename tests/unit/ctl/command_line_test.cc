#include "controlplane/ctl/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controlplane/ctl/commands.h"

namespace sluice::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const Command* kCommands[] = {&kApplyCommand,     &kGetCommand,   &kWaitCommand,
                                        &kEndpointsCommand, &kFleetCommand, &kCompleteCommand};

CommandLine Parse(std::vector<const char*> words) {
  words.insert(words.begin(), "ctl");
  return ParseCommandLine(kCommands, static_cast<int>(words.size()), words.data());
}

std::string TextOfAnswer(const CommandLine& line) { return line.answer ? line.answer->text : ""; }

TEST(CommandLine, SeparatesFlagsFromOperands) {
  const auto line = Parse({"apply", "a.yaml", "-f", "b.yaml", "--filename=c.yaml", "--dry-run"});
  ASSERT_FALSE(line.answer) << TextOfAnswer(line);
  EXPECT_EQ(line.command, &kApplyCommand);
  EXPECT_THAT(line.arguments.operands(), ElementsAre("a.yaml"));
  EXPECT_THAT(line.arguments.All("--filename"), ElementsAre("b.yaml", "c.yaml"));
  EXPECT_TRUE(line.arguments.Has("--dry-run"));
  EXPECT_FALSE(line.arguments.Has("--wait"));
}

TEST(CommandLine, TakesGlobalFlagsBeforeAndAfterTheCommand) {
  const auto before = Parse({"--server", "h:1", "get", "listeners"});
  const auto after = Parse({"get", "listeners", "--server", "h:1", "-n", "team-a"});
  EXPECT_EQ(before.arguments.Text("--server"), "h:1");
  EXPECT_EQ(after.arguments.Text("--server"), "h:1");
  EXPECT_EQ(after.arguments.Text("--namespace"), "team-a");
  EXPECT_THAT(after.arguments.operands(), ElementsAre("listeners"));
}

TEST(CommandLine, GivesPresetsForFlagsThatAreNotGiven) {
  const auto line = Parse({"apply", "a.yaml"});
  EXPECT_EQ(line.arguments.Text("--timeout"), "30s");
  EXPECT_EQ(line.arguments.Duration("--timeout").value(), std::chrono::seconds(30));
  EXPECT_EQ(line.arguments.Text("--namespace"), "default");
}

TEST(CommandLine, ADashIsAnOperandAndAFlagsValue) {
  EXPECT_THAT(Parse({"apply", "-"}).arguments.operands(), ElementsAre("-"));
  EXPECT_THAT(Parse({"apply", "-f", "-"}).arguments.All("--filename"), ElementsAre("-"));
}

TEST(CommandLine, AnOperandMayHaveTheNameOfACommand) {
  EXPECT_THAT(Parse({"get", "listener", "apply"}).arguments.operands(),
              ElementsAre("listener", "apply"));
}

TEST(CommandLine, EverythingAfterTwoDashesIsAnOperand) {
  EXPECT_THAT(Parse({"__complete", "--", "get", "-o", ""}).arguments.operands(),
              ElementsAre("get", "-o", ""));
  EXPECT_THAT(Parse({"apply", "a.yaml", "--dry-run", "--", "-b.yaml"}).arguments.operands(),
              ElementsAre("a.yaml", "-b.yaml"));
}

TEST(CommandLine, AValueMayHoldEqualsSigns) {
  EXPECT_EQ(Parse({"wait", "listener/a", "--for=condition=Synced=False"}).arguments.Text("--for"),
            "condition=Synced=False");
}

TEST(CommandLine, AMisspeltCommandIsAnErrorWithASuggestion) {
  const auto line = Parse({"aply", "a.yaml"});
  ASSERT_TRUE(line.answer);
  EXPECT_EQ(line.answer->exit, Exit::kUsage);
  EXPECT_THAT(line.answer->text, HasSubstr("unknown command 'aply'; did you mean 'apply'?"));
}

TEST(CommandLine, AnUnknownFlagIsAnError) {
  const auto line = Parse({"get", "listeners", "--outptu", "json"});
  ASSERT_TRUE(line.answer);
  EXPECT_EQ(line.answer->exit, Exit::kUsage);
  EXPECT_THAT(line.answer->text, HasSubstr("unknown flag '--outptu'; did you mean '--output'?"));
  EXPECT_THAT(TextOfAnswer(Parse({"--servr=h:1", "get", "listeners"})),
              HasSubstr("unknown flag '--servr"));
}

TEST(CommandLine, AnOperandOfACommandWithoutAnyIsAnError) {
  for (const auto& line : {Parse({"fleet", "gw-1"}), Parse({"fleet", "--", "gw-1"})}) {
    ASSERT_TRUE(line.answer);
    EXPECT_EQ(line.answer->exit, Exit::kUsage);
    EXPECT_THAT(line.answer->text, HasSubstr("fleet takes flags only, got 'gw-1'"));
  }
}

TEST(CommandLine, AChoiceOutsideTheListIsAnErrorThatNamesTheList) {
  const auto line = Parse({"get", "listeners", "-o", "xml"});
  ASSERT_TRUE(line.answer);
  EXPECT_EQ(line.answer->exit, Exit::kUsage);
  EXPECT_THAT(line.answer->text, HasSubstr("must be one of wide|yaml|json|name, got 'xml'"));
}

TEST(CommandLine, AFlagWithoutItsValueIsAnError) {
  EXPECT_EQ(Parse({"get", "listeners", "-o"}).answer->exit, Exit::kUsage);
}

TEST(CommandLine, AFlagThatCountsOnceMayNotBeGivenTwice) {
  const auto line = Parse({"get", "listeners", "-o", "json", "-o", "yaml"});
  ASSERT_TRUE(line.answer);
  EXPECT_THAT(line.answer->text, HasSubstr("--output is given 2 times"));
}

TEST(CommandLine, NoWordsAtAllShowTheHelpAsAnError) {
  const auto line = Parse({});
  ASSERT_TRUE(line.answer);
  EXPECT_EQ(line.answer->exit, Exit::kUsage);
  EXPECT_THAT(line.answer->text, HasSubstr("apply"));
}

TEST(CommandLine, HelpShowsEveryFlagAndNoHiddenCommand) {
  const auto all = Parse({"--help"});
  EXPECT_EQ(all.answer->exit, Exit::kOk);
  EXPECT_THAT(all.answer->text, HasSubstr("endpoints"));
  EXPECT_THAT(all.answer->text, ::testing::Not(HasSubstr("__complete")));
  const auto one = Parse({"apply", "--help"});
  EXPECT_EQ(one.answer->exit, Exit::kOk);
  EXPECT_THAT(one.answer->text, HasSubstr("Usage: ctl apply [FLAGS] [PATH...]"));
  for (const Option& option : kApplyCommand.options) {
    EXPECT_THAT(one.answer->text, HasSubstr(std::string(option.flag)));
  }
}

TEST(CommandLine, ABadDurationNamesTheFlag) {
  const auto line = Parse({"apply", "a.yaml", "--timeout", "soon"});
  const auto timeout = line.arguments.Duration("--timeout");
  ASSERT_FALSE(timeout);
  EXPECT_THAT(timeout.error().message, HasSubstr("--timeout must be a duration"));
}

}  // namespace
}  // namespace sluice::ctl
