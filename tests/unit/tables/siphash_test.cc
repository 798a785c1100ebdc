#include "dataplane/tables/siphash.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::dataplane {
namespace {

// The paper's: bytes 00 01 02 … as the key and as the message.
constexpr SipKey kKey{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
std::string Message(std::size_t size) {
  std::string message;
  for (std::size_t i = 0; i < size; ++i) message += static_cast<char>(i);
  return message;
}

TEST(SipHash, GivesTheReferenceValues) {
  EXPECT_EQ(SipHash(kKey, Message(0)), 0x726fdb47dd0e0e31ULL);
  EXPECT_EQ(SipHash(kKey, Message(1)), 0x74f839c593dc67fdULL);
  EXPECT_EQ(SipHash(kKey, Message(7)), 0xab0200f58b01d137ULL);
  EXPECT_EQ(SipHash(kKey, Message(8)), 0x93f5f5799a932462ULL);
  EXPECT_EQ(SipHash(kKey, Message(15)), 0xa129ca6149be45e5ULL);
  EXPECT_EQ(SipHash(kKey, Message(63)), 0x958a324ceb064572ULL);
}

TEST(SipHash, ReadsBytesAboveAsciiAsUnsigned) {
  EXPECT_NE(SipHash(kKey, "\xff"), SipHash(kKey, "\x7f"));
  EXPECT_NE(SipHash(kKey, std::string(9, '\xff')), SipHash(kKey, std::string(10, '\xff')));
}

TEST(SipHash, HasAnotherRandomKeyEachTime) {
  const SipKey one = RandomSipKey();
  const SipKey other = RandomSipKey();
  EXPECT_NE(one.k0, other.k0);
  EXPECT_NE(one.k1, other.k1);
}

}  // namespace
}  // namespace sluice::dataplane
