#include "common/base/text_format.h"

#include <gtest/gtest.h>

#include <array>

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST(ParseDuration, ReadsUnitsLargestFirst) {
  EXPECT_EQ(*ParseDuration("5s"), 5s);
  EXPECT_EQ(*ParseDuration("1m30s"), 90s);
  EXPECT_EQ(*ParseDuration("250ms"), 250ms);
  EXPECT_EQ(*ParseDuration("1.5s"), 1500ms);
  EXPECT_EQ(*ParseDuration("0.5h"), 30min);
  EXPECT_EQ(*ParseDuration("2d3h4m5s6ms7us8ns"), 48h + 3h + 4min + 5s + 6ms + 7us + 8ns);
  EXPECT_EQ(*ParseDuration("0"), 0s);
  EXPECT_EQ(*ParseDuration("0s"), 0s);
  EXPECT_EQ(*ParseDuration("36500d"), 24h * 36500);
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const char* text :
       {"", "5", "s", "-5s", "5 s", "5S", "1s1m", "1s1s", "1.s", ".5s", "1.5", "0.5ns", "36501d",
        "99999999999999999999d", "9999999999999999999s", "5s ", "1..5s"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(FormatDuration, IsReadBackExactly) {
  EXPECT_EQ(FormatDuration(0s), "0s");
  EXPECT_EQ(FormatDuration(90s), "1m30s");
  EXPECT_EQ(FormatDuration(24h), "1d");
  for (auto duration :
       {1ns, 1'000'000'001ns, 86'399'999'999'999ns, 3'155'760'000'000'000'000ns - 36500h}) {
    EXPECT_EQ(*ParseDuration(FormatDuration(duration)), duration);
  }
}

TEST(ParseSize, ReadsDecimalAndBinaryUnits) {
  EXPECT_EQ(*ParseSize("1500"), 1500U);
  EXPECT_EQ(*ParseSize("16KiB"), 16384U);
  EXPECT_EQ(*ParseSize("10kB"), 10'000U);
  EXPECT_EQ(*ParseSize("1GiB"), 1ULL << 30);
  EXPECT_EQ(*ParseSize("18446744073709551615"), ~0ULL);
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const char* text : {"", "KiB", "-1", "1.5KiB", "1 KiB", "1K", "1kib", "18446744073709551616",
                           "99999999999GiB"}) {
    EXPECT_FALSE(ParseSize(text)) << text;
  }
}

TEST(FormatSize, IsReadBackExactly) {
  EXPECT_EQ(FormatSize(16384), "16KiB");
  EXPECT_EQ(FormatSize(4 << 20), "4MiB");
  EXPECT_EQ(FormatSize(10'000), "10kB");
  EXPECT_EQ(FormatSize(0), "0");
  for (std::uint64_t bytes : {1ULL, 1023ULL, 1'000'001ULL, ~0ULL, 1ULL << 40}) {
    EXPECT_EQ(*ParseSize(FormatSize(bytes)), bytes);
  }
}

TEST(ClosestWord, FindsMisspeltWordsAndNothingFarFetched) {
  constexpr std::array<std::string_view, 3> kWords{"endpoints", "balance", "maxConnections"};
  const auto closest = [&](std::string_view word) {
    return ClosestWord(word, kWords.data(), kWords.size());
  };
  EXPECT_EQ(closest("enpoints"), "endpoints");
  EXPECT_EQ(closest("endpionts"), "endpoints");
  EXPECT_EQ(closest("max_connections"), "maxConnections");
  EXPECT_EQ(closest("Balance"), "balance");
  EXPECT_EQ(closest("listeners"), "");
  EXPECT_EQ(closest(""), "");
  EXPECT_EQ(closest(std::string(100'000, 'x')), "");
}

TEST(Quoted, ShowsHostileTextWithoutObeyingIt) {
  EXPECT_EQ(Quoted("a\x1b[31m\n"), "'a\\x1b[31m\\x0a'");
  EXPECT_EQ(Quoted(std::string(100, 'x')), "'" + std::string(80, 'x') + "…'");
  std::string wide;
  for (int i = 0; i < 50; ++i) wide += "é";
  EXPECT_EQ(Quoted("x" + wide).substr(0, 4), "'xé");
}

}  // namespace
}  // namespace sluice
