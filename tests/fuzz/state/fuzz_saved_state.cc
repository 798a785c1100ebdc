// Saved state, of the right hash and of none: what is read can be written and read again.
#include <string>

#include "common/base/check.h"
#include "dataplane/control/saved_state.h"

using namespace sluice::dataplane;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const std::string& file : {std::string(bytes), SealSavedState(bytes)}) {
    const auto snapshot = DecodeSavedState(file);
    if (!snapshot) {
      SLUICE_CHECK(!snapshot.error().message.empty());
      continue;
    }
    const std::string written = EncodeSavedState(*snapshot);
    const auto again = DecodeSavedState(written);
    SLUICE_CHECK(again.has_value());
    SLUICE_CHECK(EncodeSavedState(*again) == written);
  }
  return 0;
}
