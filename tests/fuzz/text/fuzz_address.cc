// Addresses and blocks: what is accepted prints as itself and survives the kernel's form.
#include <string_view>

#include "common/base/address.h"
#include "common/base/check.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto address = SocketAddress::Parse(text, /*allow_port_zero=*/true);
  if (address) {
    SLUICE_CHECK(SocketAddress::Parse(address->Text(), true) == *address);
    sockaddr_storage storage;
    const socklen_t length = address->ToSockaddr(storage);
    SLUICE_CHECK(SocketAddress::FromSockaddr(reinterpret_cast<sockaddr*>(&storage), length) ==
                 *address);
  }
  if (const auto block = Cidr::Parse(text)) {
    SLUICE_CHECK(Cidr::Parse(block->Text()) == *block);
    if (address) (void)block->Contains(*address);
  }
  return 0;
}
