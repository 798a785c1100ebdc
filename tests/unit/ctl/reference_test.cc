// Holds docs/reference/ctl.md against the command table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "common/model/kind.h"
#include "controlplane/ctl/commands.h"
#include "tests/support/source_tree.h"
#include "tests/support/temp_dir.h"

namespace sluice::ctl {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

std::string Page() { return test::ReadFile(test::SourceFile("docs/reference/ctl.md")); }

// From its heading to the next one of its level; empty when there is no such heading.
std::string SectionOf(const std::string& page, std::string_view title) {
  const std::string heading = "\n## " + std::string(title) + "\n";
  const auto begin = page.find(heading);
  if (begin == std::string::npos) return "";
  return page.substr(begin, page.find("\n## ", begin + heading.size()) - begin);
}

// Every `--word` in the text.
std::set<std::string> FlagsIn(const std::string& text) {
  std::set<std::string> flags;
  for (auto at = text.find("--"); at != std::string::npos; at = text.find("--", at + 2)) {
    const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at);
    const std::string flag = text.substr(at, end - at);
    if (flag.size() > 2 && flag[2] != '-' && text[at - 1] != '-') flags.insert(flag);
  }
  return flags;
}

TEST(CtlReference, HasASectionForEveryCommandAndNoneForTheHidden) {
  const std::string page = Page();
  for (const Command* command : Commands()) {
    if (command->hidden) {
      EXPECT_THAT(page, Not(HasSubstr(std::string(command->name))));
      continue;
    }
    EXPECT_THAT(page, HasSubstr("\n| [`" + std::string(command->name) + "`](#"));
    EXPECT_NE(SectionOf(page, command->name), "") << command->name;
  }
}

TEST(CtlReference, DescribesEveryFlagWithItsShortFormDefaultAndChoices) {
  const auto expect_all = [](std::string section, std::span<const Option> options) {
    for (auto bar = section.find("\\|"); bar != std::string::npos; bar = section.find("\\|")) {
      section.erase(bar, 1);  // Markdown's way to write a bar in a table.
    }
    for (const Option& option : options) {
      EXPECT_THAT(section, HasSubstr(std::string(option.flag)));
      if (!option.letter.empty()) {
        EXPECT_THAT(section, HasSubstr("`-" + std::string(option.letter) + "`, `" +
                                       std::string(option.flag)));
      }
      EXPECT_THAT(section, HasSubstr(std::string(option.preset))) << option.flag;
      EXPECT_THAT(section, HasSubstr(std::string(option.choices))) << option.flag;
    }
  };
  const std::string page = Page();
  expect_all(SectionOf(page, "Flags of every command"), GlobalOptions());
  for (const Command* command : Commands()) {
    expect_all(SectionOf(page, command->name), command->options);
  }
}

TEST(CtlReference, NamesNoFlagThatACommandDoesNotHave) {
  const std::string page = Page();
  for (const Command* command : Commands()) {
    std::set<std::string> known = {"--help"};
    for (const Option& option : GlobalOptions()) known.insert(std::string(option.flag));
    for (const Option& option : command->options) known.insert(std::string(option.flag));
    EXPECT_THAT(known, IsSupersetOf(FlagsIn(SectionOf(page, command->name)))) << command->name;
  }
}

TEST(CtlReference, ListsTheWordsForEveryKind) {
  const std::string section = SectionOf(Page(), "Naming objects");
  for (const model::Kind& kind : model::Kinds()) {
    EXPECT_THAT(section, HasSubstr("`" + std::string(kind.name) + "`"));
    EXPECT_THAT(section, HasSubstr("`" + std::string(kind.plural) + "`"));
    for (const auto& word : kind.short_names) {
      EXPECT_THAT(section, HasSubstr("`" + std::string(word) + "`"));
    }
  }
}

}  // namespace
}  // namespace sluice::ctl
