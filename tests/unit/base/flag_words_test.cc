#include "common/base/flag_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kSwitches[] = {"--insecure"};

Result<std::vector<std::string>> Words(std::vector<const char*> words) {
  return FlagWords(words, kSwitches);
}

TEST(FlagWords, ASwitchTakesTheWordsThatKubectlTakes) {
  for (const char* word : {"true", "True", "TRUE", "t", "T", "1"}) {
    EXPECT_EQ(ParseSwitch(word), true);
  }
  for (const char* word : {"false", "False", "FALSE", "f", "F", "0"}) {
    EXPECT_EQ(ParseSwitch(word), false);
  }
  for (const char* word : {"", "yes", "no", "on", "tRUE", "2", "true "}) {
    EXPECT_EQ(ParseSwitch(word), std::nullopt) << word;
  }
  EXPECT_THAT(*Words({"--insecure=F", "--insecure=1", "--insecure"}),
              ElementsAre("--insecure=false", "--insecure=true", "--insecure"));
}

TEST(FlagWords, AnotherWordIsAMistakeThatNamesTheSwitch) {
  for (const char* word : {"--insecure=maybe", "--insecure=", "--insecure=2"}) {
    const auto words = Words({word});
    ASSERT_FALSE(words) << word;
    EXPECT_THAT(words.error().message,
                ::testing::StartsWith("--insecure must be true or false, got '"));
  }
}

TEST(FlagWords, AnEmptyValueDoesNotTakeTheWordAfterIt) {
  EXPECT_THAT(*Words({"--node=", "--label=a=b", "-x=", "word"}),
              ElementsAre("--node", "", "--label=a=b", "-x=", "word"));
}

}  // namespace
}  // namespace sluice
