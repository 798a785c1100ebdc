#include "controlplane/ctl/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/ctl/commands.h"
#include "tests/support/temp_dir.h"

namespace sluice::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const Command* kCommands[] = {&kApplyCommand,     &kGetCommand,   &kWaitCommand,
                                        &kEndpointsCommand, &kFleetCommand, &kHelpCommand,
                                        &kCompleteCommand};

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

TEST(CommandLine, ASwitchIsOffWhenItIsGivenAsFalse) {
  for (const Command* command : kCommands) {
    for (const Option& option : command->options) {
      if (!option.value.empty()) continue;
      const std::string name(command->name);
      const std::string flag(option.flag);
      EXPECT_TRUE(Parse({name.c_str(), "x", flag.c_str()}).arguments.Has(flag) ||
                  command->operands.empty())
          << name << flag;
      for (const char* word : {"=false", "=False", "=F", "=0"}) {
        const std::string off = flag + word;
        const auto line = Parse({name.c_str(), off.c_str()});
        ASSERT_FALSE(line.answer) << TextOfAnswer(line);
        EXPECT_FALSE(line.arguments.Has(flag)) << name << " " << off;
      }
      for (const char* word : {"=true", "=T", "=1"}) {
        const std::string on = flag + word;
        EXPECT_TRUE(Parse({name.c_str(), on.c_str()}).arguments.Has(flag)) << name << " " << on;
      }
      const std::string bad = flag + "=maybe";
      const auto line = Parse({name.c_str(), bad.c_str()});
      ASSERT_TRUE(line.answer);
      EXPECT_EQ(line.answer->exit, Exit::kUsage);
      EXPECT_THAT(line.answer->text, HasSubstr(flag + " must be true or false, got 'maybe'"));
    }
  }
}

TEST(CommandLine, TheLastOfASwitchCounts) {
  EXPECT_FALSE(Parse({"apply", "a", "--wait", "--wait=false"}).arguments.Has("--wait"));
  EXPECT_TRUE(Parse({"apply", "a", "--wait=false", "--wait"}).arguments.Has("--wait"));
}

TEST(CommandLine, ADryRunHasThreeModesAndAloneMeansTheServers) {
  const auto mode = [](std::vector<const char*> words) {
    words.insert(words.begin(), {"apply", "a"});
    const auto line = Parse(words);
    return line.answer ? line.answer->text : line.arguments.Text("--dry-run");
  };
  EXPECT_EQ(mode({}), "none");
  EXPECT_EQ(mode({"--dry-run=none"}), "none");
  EXPECT_EQ(mode({"--dry-run=false"}), "none");
  EXPECT_EQ(mode({"--dry-run=client"}), "client");
  EXPECT_EQ(mode({"--dry-run=server"}), "server");
  EXPECT_EQ(mode({"--dry-run=true"}), "server");
  EXPECT_EQ(mode({"--dry-run"}), "server");
  EXPECT_THAT(mode({"--dry-run=maybe"}),
              HasSubstr("must be one of none|client|server, got 'maybe'"));
  EXPECT_THAT(mode({"--dry-run="}), HasSubstr("got ''"));
}

TEST(CommandLine, ADryRunAloneTakesNoWordAfterIt) {
  const auto line = Parse({"apply", "--dry-run", "client"});
  EXPECT_THAT(line.arguments.operands(), ElementsAre("client"));
}

TEST(CommandLine, AShortFlagTakesItsValueAsPeopleWriteItForKubectl) {
  for (const std::vector<const char*>& words :
       std::vector<std::vector<const char*>>{{"-o=json", "-n=x", "-l=a=b"},
                                             {"-ojson", "-nx", "-la=b"},
                                             {"-o", "json", "-n", "x", "-l", "a=b"}}) {
    std::vector<const char*> all = {"get", "listeners"};
    all.insert(all.end(), words.begin(), words.end());
    const auto line = Parse(all);
    ASSERT_FALSE(line.answer) << TextOfAnswer(line);
    EXPECT_EQ(line.arguments.Text("--output"), "json");
    EXPECT_EQ(line.arguments.Text("--namespace"), "x");
    EXPECT_EQ(line.arguments.Text("--selector"), "a=b");
    EXPECT_THAT(line.arguments.operands(), ElementsAre("listeners"));
  }
  const auto together = Parse({"get", "listeners", "-Aw=false", "-wo=json"});
  EXPECT_TRUE(together.arguments.Has("--all-namespaces"));
  EXPECT_TRUE(together.arguments.Has("--watch"));
  EXPECT_EQ(together.arguments.Text("--output"), "json");
  EXPECT_THAT(TextOfAnswer(Parse({"get", "listeners", "-o="})), HasSubstr("got ''"));
  EXPECT_THAT(TextOfAnswer(Parse({"get", "listeners", "-x=1"})), HasSubstr("unknown flag '-x'"));
}

TEST(CommandLine, AnEmptyValueDoesNotTakeTheWordAfterIt) {
  const auto line = Parse({"get", "--selector=", "listeners"});
  EXPECT_THAT(line.arguments.operands(), ElementsAre("listeners"));
  EXPECT_EQ(line.arguments.Text("--selector"), "");
}

TEST(CommandLine, AListOfFilesIsSeveralFiles) {
  const auto files = [](const char* word) {
    return Parse({"apply", word, "-f", "z"}).arguments.All("--filename");
  };
  EXPECT_THAT(files("-f=a"), ElementsAre("a", "z"));
  EXPECT_THAT(files("-f=a,b"), ElementsAre("a", "b", "z"));
  EXPECT_THAT(files("--filename=a,b"), ElementsAre("a", "b", "z"));
  EXPECT_THAT(files("-f=\"a,b\",c"), ElementsAre("a,b", "c", "z"));
  EXPECT_THAT(files("-f=\"a\"\"b\""), ElementsAre("a\"b", "z"));
  EXPECT_THAT(TextOfAnswer(Parse({"apply", "-f=\"a"})),
              HasSubstr("--filename: the list '\"a' has no closing quote"));
  EXPECT_THAT(TextOfAnswer(Parse({"apply", "-f=\"a\"b"})), HasSubstr("after a closing quote"));
}

TEST(CommandLine, HelpIsAWordToo) {
  const std::string all = Parse({"--help"}).answer->text;
  const std::string apply = Parse({"apply", "--help"}).answer->text;
  for (const auto& [line, text] : std::vector<std::pair<CommandLine, std::string>>{
           {Parse({"help"}), all},
           {Parse({"help", "apply"}), apply},
           {Parse({"apply", "help"}), apply},
           {Parse({"apply", "help", "--wait"}), apply},
           {Parse({"fleet", "help"}), Parse({"fleet", "--help"}).answer->text},
           {Parse({"help", "help"}), Parse({"help", "--help"}).answer->text}}) {
    ASSERT_TRUE(line.answer);
    EXPECT_EQ(line.answer->exit, Exit::kOk);
    EXPECT_EQ(line.answer->text, text);
  }
  const auto misspelt = Parse({"help", "aply"});
  EXPECT_EQ(misspelt.answer->exit, Exit::kUsage);
  EXPECT_THAT(misspelt.answer->text, HasSubstr("unknown command 'aply'; did you mean 'apply'?"));
  EXPECT_FALSE(Parse({"get", "listener", "help"}).answer) << "a name";
  EXPECT_FALSE(Parse({"apply", "--", "help"}).answer) << "after -- every word is an operand";
}

TEST(CommandLine, AFileCalledHelpIsApplied) {
  const test::TempDir dir;
  dir.Write("help", "");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  const auto line = Parse({"apply", "help"});
  std::filesystem::current_path(before);
  EXPECT_FALSE(line.answer);
  EXPECT_THAT(line.arguments.operands(), ElementsAre("help"));
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
