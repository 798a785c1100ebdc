// Durations, sizes, suggestions and quoting: what is accepted prints as itself.
#include <array>
#include <string_view>

#include "common/base/check.h"
#include "common/base/text_format.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto duration = ParseDuration(text)) {
    SLUICE_CHECK(duration->count() >= 0);
    SLUICE_CHECK(ParseDuration(FormatDuration(*duration)).value() == *duration);
  }
  if (const auto bytes = ParseSize(text)) {
    SLUICE_CHECK(ParseSize(FormatSize(*bytes)).value() == *bytes);
  }
  constexpr std::array<std::string_view, 3> kWords{"endpoints", "balance", "passiveHealth"};
  (void)ClosestWord(text, kWords.data(), kWords.size());
  for (char c : Quoted(text)) SLUICE_CHECK(static_cast<unsigned char>(c) >= 0x20);
  return 0;
}
