// A socket address as a test writes it.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "common/base/address.h"

namespace sluice::dataplane::test {

// Fails the test when the text is none.
inline SocketAddress Address(std::string_view text) {
  auto address = SocketAddress::Parse(text, true);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(SocketAddress());
}

}  // namespace sluice::dataplane::test
