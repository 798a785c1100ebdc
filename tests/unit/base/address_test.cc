#include "common/base/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>

namespace sluice {
namespace {

using testing::HasSubstr;

std::string ErrorOf(std::string_view text) {
  const auto address = SocketAddress::Parse(text);
  return address ? "accepted" : address.error().message;
}

TEST(SocketAddress, ReadsBackWhatItPrints) {
  for (const char* text : {"192.0.2.1:53", "0.0.0.0:65535", "[2001:db8::1]:1", "[::]:5432",
                           "[::ffff:192.0.2.1]:53", "unix:/run/pg/.s.PGSQL.5432"}) {
    const auto address = SocketAddress::Parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->Text(), text);
  }
}

TEST(SocketAddress, IsLocalWhenNobodyElseCanReachIt) {
  for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1",
                           "unix:/run/pg/.s.PGSQL.5432"}) {
    EXPECT_TRUE(SocketAddress::Parse(text)->is_local()) << text;
  }
  for (const char* text :
       {"0.0.0.0:1", "[::]:1", "192.0.2.1:1", "[2001:db8::1]:1", "128.0.0.1:1"}) {
    EXPECT_FALSE(SocketAddress::Parse(text)->is_local()) << text;
  }
}

TEST(SocketAddress, RefusesEverythingThatIsNoLiteralAddressWithPort) {
  for (const char* text : {"",
                           ":",
                           "db1",
                           "db1:5432",
                           "1.2.3.4",
                           "1.2.3.4:",
                           "1.2.3.4:0",
                           "1.2.3.4:65536",
                           "1.2.3.4:053",
                           "1.2.3.4:+5",
                           "1.2.3.04:5",
                           "1.2.3:5",
                           "::1:53",
                           "[::1]",
                           "[::1",
                           "[fe80::1%lo]:5",
                           "[1.2.3.4]:5",
                           "unix:",
                           "unix:relative",
                           "unix:/",
                           " 1.2.3.4:5",
                           "1.2.3.4:5 ",
                           "1.2.3.4:99999999999"}) {
    EXPECT_FALSE(SocketAddress::Parse(text)) << text;
  }
  EXPECT_FALSE(SocketAddress::Parse(std::string_view("1.2.3.4\0:5", 10)));
  EXPECT_FALSE(SocketAddress::Parse(std::string_view("unix:/a\0b", 9)));
}

TEST(SocketAddress, SaysWhatIsAllowedAndWhatItGot) {
  EXPECT_THAT(ErrorOf("db1"), HasSubstr("host:port"));
  EXPECT_THAT(ErrorOf("db1"), HasSubstr("got 'db1'"));
  EXPECT_EQ(ErrorOf("1.2.3.4:0"), "must have a port of 1-65535, got '1.2.3.4:0'");
  EXPECT_THAT(ErrorOf("unix:/" + std::string(107, 'x')), HasSubstr("at most 107 bytes"));
  EXPECT_EQ(ErrorOf("unix:/" + std::string(106, 'x')), "accepted");
}

TEST(SocketAddress, TakesPortZeroOnlyWhenAsked) {
  EXPECT_FALSE(SocketAddress::Parse("127.0.0.1:0"));
  EXPECT_EQ(SocketAddress::Parse("127.0.0.1:0", /*allow_port_zero=*/true)->port(), 0);
}

TEST(SocketAddress, SurvivesTheWayThroughTheKernelsForm) {
  for (const char* text : {"192.0.2.1:53", "[2001:db8::1]:1", "unix:/tmp/a"}) {
    const auto address = SocketAddress::Parse(text);
    sockaddr_storage storage;
    const socklen_t length = address->ToSockaddr(storage);
    EXPECT_EQ(SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&storage), length), *address);
  }
}

TEST(SocketAddress, KnowsAnUnboundUnixPeer) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  const auto peer =
      SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&un), sizeof(sa_family_t));
  EXPECT_TRUE(peer.is_unix());
  EXPECT_EQ(peer.Text(), "unix:");
}

TEST(SocketAddress, TakesAFullUnixPathWithoutItsNul) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  std::memset(un.sun_path, 'x', sizeof(un.sun_path));
  const auto peer = SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&un), sizeof(un));
  EXPECT_EQ(peer.Text().size(), 5 + sizeof(un.sun_path));
}

TEST(SocketAddress, UnmapsOnlyMappedAddresses) {
  EXPECT_EQ(SocketAddress::Parse("[::ffff:192.0.2.1]:53")->Unmapped().Text(), "192.0.2.1:53");
  EXPECT_EQ(SocketAddress::Parse("[::1]:53")->Unmapped().Text(), "[::1]:53");
  EXPECT_EQ(SocketAddress::Parse("192.0.2.1:53")->Unmapped().Text(), "192.0.2.1:53");
}

TEST(SocketAddress, TellsWildcards) {
  EXPECT_TRUE(SocketAddress::Parse("0.0.0.0:1")->is_wildcard());
  EXPECT_TRUE(SocketAddress::Parse("[::]:1")->is_wildcard());
  EXPECT_FALSE(SocketAddress::Parse("127.0.0.1:1")->is_wildcard());
  EXPECT_FALSE(SocketAddress::Parse("unix:/a")->is_wildcard());
}

bool Matches(std::string_view block, std::string_view address) {
  return Cidr::Parse(block)->Contains(*SocketAddress::Parse(address));
}

TEST(Cidr, ContainsExactlyItsBlock) {
  EXPECT_TRUE(Matches("10.0.0.0/8", "10.255.255.255:1"));
  EXPECT_FALSE(Matches("10.0.0.0/8", "11.0.0.0:1"));
  EXPECT_TRUE(Matches("10.1.2.3", "10.1.2.3:1"));
  EXPECT_FALSE(Matches("10.1.2.3", "10.1.2.4:1"));
  EXPECT_TRUE(Matches("10.0.0.128/25", "10.0.0.255:1"));
  EXPECT_FALSE(Matches("10.0.0.128/25", "10.0.0.127:1"));
  EXPECT_TRUE(Matches("0.0.0.0/0", "255.1.1.1:1"));
  EXPECT_TRUE(Matches("2001:db8::/32", "[2001:db8:ffff::1]:1"));
  EXPECT_FALSE(Matches("2001:db8::/32", "[2001:db9::1]:1"));
}

TEST(Cidr, KeepsFamiliesApart) {
  EXPECT_FALSE(Matches("::/0", "1.2.3.4:1"));
  EXPECT_FALSE(Matches("0.0.0.0/0", "[::1]:1"));
  EXPECT_TRUE(Matches("unix:", "unix:/a"));
  EXPECT_FALSE(Matches("unix:", "1.2.3.4:1"));
  EXPECT_FALSE(Matches("0.0.0.0/0", "unix:/a"));
}

TEST(Cidr, TakesMappedAddressesForIpv4OnBothSides) {
  EXPECT_TRUE(Matches("10.0.0.0/8", "[::ffff:10.1.1.1]:1"));
  EXPECT_TRUE(Matches("::ffff:10.0.0.0/104", "10.1.1.1:1"));
  EXPECT_FALSE(Matches("::/0", "[::ffff:10.1.1.1]:1"));
}

TEST(Cidr, NamesTheBlockThatWasProbablyMeant) {
  const auto block = Cidr::Parse("10.1.2.3/8");
  ASSERT_FALSE(block);
  EXPECT_THAT(block.error().message, HasSubstr("did you mean '10.0.0.0/8'"));
}

TEST(Cidr, RefusesWhatIsNoBlock) {
  for (const char* text : {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "::/129", "10.0.0",
                           "x", "10.0.0.0/-1", "unix:/a", "10.0.0.0/8/8"}) {
    EXPECT_FALSE(Cidr::Parse(text)) << text;
  }
}

TEST(Cidr, PrintsSingleAddressesWithoutPrefix) {
  EXPECT_EQ(Cidr::Parse("10.1.2.3/32")->Text(), "10.1.2.3");
  EXPECT_EQ(Cidr::Parse("2001:db8::/32")->Text(), "2001:db8::/32");
}

}  // namespace
}  // namespace sluice
