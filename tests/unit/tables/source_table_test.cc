#include "dataplane/tables/source_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/session_from.h"

namespace sluice::dataplane::test {
namespace {

SourceTable Table(const std::vector<std::pair<std::string, std::uint32_t>>& blocks) {
  std::vector<SourceTable::Source> sources;
  for (const auto& [text, entry] : blocks) sources.push_back({*Cidr::Parse(text), entry});
  return SourceTable::Build(sources);
}

TEST(SourceTable, WithoutBlocksNamesNobody) {
  const SourceTable empty = Table({});
  EXPECT_EQ(empty.FirstMatch(Client("192.0.2.1")), SourceTable::kNone);
  EXPECT_EQ(empty.FirstMatch(Client("::")), SourceTable::kNone);
  EXPECT_EQ(empty.FirstMatch(Client("unix:")), SourceTable::kNone);
}

TEST(SourceTable, EndsABlockAtItsLastAddress) {
  const SourceTable table = Table({{"10.1.0.0/16", 0}});
  EXPECT_EQ(table.FirstMatch(Client("10.0.255.255")), SourceTable::kNone);
  EXPECT_EQ(table.FirstMatch(Client("10.1.0.0")), 0U);
  EXPECT_EQ(table.FirstMatch(Client("10.1.255.255")), 0U);
  EXPECT_EQ(table.FirstMatch(Client("10.2.0.0")), SourceTable::kNone);
}

TEST(SourceTable, AmongNestedBlocksTheFirstEntryWins) {
  const SourceTable narrow_first = Table({{"10.1.0.0/16", 0}, {"10.0.0.0/8", 1}});
  EXPECT_EQ(narrow_first.FirstMatch(Client("10.1.2.3")), 0U);
  EXPECT_EQ(narrow_first.FirstMatch(Client("10.2.0.0")), 1U);
  const SourceTable wide_first = Table({{"10.0.0.0/8", 0}, {"10.1.0.0/16", 1}});
  EXPECT_EQ(wide_first.FirstMatch(Client("10.1.2.3")), 0U);
}

TEST(SourceTable, KnowsBlocksAtBothEndsOfTheAddressSpace) {
  const SourceTable table =
      Table({{"255.255.255.255", 0}, {"0.0.0.0/1", 1}, {"ffff::/16", 2}, {"::/0", 3}});
  EXPECT_EQ(table.FirstMatch(Client("255.255.255.255")), 0U);
  EXPECT_EQ(table.FirstMatch(Client("255.255.255.254")), SourceTable::kNone);
  EXPECT_EQ(table.FirstMatch(Client("0.0.0.0")), 1U);
  EXPECT_EQ(table.FirstMatch(Client("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), 2U);
  EXPECT_EQ(table.FirstMatch(Client("::")), 3U);
}

TEST(SourceTable, TakesAMappedAddressForItsIpv4Address) {
  const SourceTable table = Table({{"192.0.2.0/24", 0}, {"::/0", 1}});
  EXPECT_EQ(table.FirstMatch(Client("::ffff:192.0.2.9")), 0U);
  EXPECT_EQ(table.FirstMatch(Client("::ffff:198.51.100.1")), SourceTable::kNone);
}

TEST(SourceTable, NamesUnixClientsByUnixOnly) {
  const SourceTable table = Table({{"0.0.0.0/0", 0}, {"::/0", 1}, {"unix:", 3}, {"unix:", 2}});
  EXPECT_EQ(table.FirstMatch(Client("unix:")), 2U);
}

// Addresses stay in a small corner of the space so that blocks nest and meet.
SocketAddress RandomClient(std::mt19937& random) {
  const std::uint32_t low = random() & 0xffff;
  std::string ip = random() % 2 == 0 ? "10.0." : "2001:db8::";
  ip += ip.back() == '.' ? std::to_string(low >> 8) + "." + std::to_string(low & 0xff)
                         : std::to_string(low % 10'000);
  return Client(ip);
}

Cidr RandomBlock(std::mt19937& random) {
  const std::string ip = RandomClient(random).IpText();
  const unsigned longest = ip.find(':') == std::string::npos ? 32 : 128;
  const unsigned prefix = longest - static_cast<unsigned>(random() % 12);
  // Parse() refuses bits beyond the prefix and says which block was meant: walk down to one.
  for (unsigned shorter = prefix; shorter < longest; ++shorter) {
    if (const auto block = Cidr::Parse(ip + "/" + std::to_string(shorter))) return *block;
  }
  return *Cidr::Parse(ip);
}

TEST(SourceTable, AgreesWithAskingTenThousandBlocksOneByOne) {
  std::mt19937 random(20);
  std::vector<SourceTable::Source> sources;
  for (int i = 0; i < 10'000; ++i) {
    sources.push_back({RandomBlock(random), static_cast<std::uint32_t>(random() % 1000)});
  }
  const SourceTable table = SourceTable::Build(sources);
  for (int i = 0; i < 300; ++i) {
    const SocketAddress client = RandomClient(random);
    std::uint32_t expected = SourceTable::kNone;
    for (const auto& source : sources) {
      if (source.block.Contains(client)) expected = std::min(expected, source.entry);
    }
    EXPECT_EQ(table.FirstMatch(client), expected) << client.Text();
  }
}

}  // namespace
}  // namespace sluice::dataplane::test
