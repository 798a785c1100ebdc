#include "common/base/bounded_text.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

TEST(BoundedText, LeavesFittingTextAlone) {
  for (const std::string text : {"", "plain", "grün", "日本", "😀", "a b"}) {
    EXPECT_EQ(BoundedText(text, text.size()), text);
    EXPECT_TRUE(IsBoundedText(text, text.size())) << text;
  }
}

TEST(BoundedText, IsCutBetweenCharacters) {
  EXPECT_EQ(BoundedText(std::string(62, 'x') + "é", 63), std::string(62, 'x'));
  EXPECT_EQ(BoundedText("ab", 1), "a");
  EXPECT_EQ(BoundedText("日本", 5), "日");
  EXPECT_EQ(BoundedText("😀", 3), "");
  EXPECT_FALSE(IsBoundedText("ab", 1));
}

TEST(BoundedText, WhatIsNoUtf8IsReplaced) {
  EXPECT_EQ(BoundedText("a\xFF", 9), "a\uFFFD");
  EXPECT_EQ(BoundedText("\xC3", 9), "\uFFFD");                         // Cut short.
  EXPECT_EQ(BoundedText("\xC0\x80", 9), "\uFFFD\uFFFD");               // Overlong.
  EXPECT_EQ(BoundedText("\xED\xA0\x80x", 10), "\uFFFD\uFFFD\uFFFDx");  // A surrogate.
  EXPECT_FALSE(IsBoundedText("a\xFF", 9));
}

TEST(BoundedText, WhatChangesHowTextIsSeenIsReplaced) {
  for (const std::string bad :
       {"\x1b[31m", "\n", "\x7f", "\u0085", "\u202e", "\u2066", "\u200f", "\u2028"}) {
    const std::string text = BoundedText("a" + bad, 100);
    EXPECT_TRUE(text.starts_with("a\uFFFD")) << text;
    EXPECT_FALSE(IsBoundedText(bad, 100));
  }
  EXPECT_TRUE(IsBoundedText("\u2026 \u2013", 100));  // An ellipsis and a dash are none.
}

TEST(BoundedText, AReplacementThatDoesNotFitIsLeftOut) {
  EXPECT_EQ(BoundedText("ab\xFF", 4), "ab");
  EXPECT_EQ(BoundedText("ab\xFF", 5), "ab\uFFFD");
}

}  // namespace
}  // namespace sluice
