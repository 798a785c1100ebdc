// A Generation's digest (proto/sluice/v1/generation.proto): one definition for the side that states
// it and the side that checks it. A sum over the resources, so that a change costs what it changes
// (docs/adr/0002). Values; thread-safe as such.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::model {

// One resource that the node may see. Borrows its text.
struct DigestEntry {
  std::string_view type_url;
  std::string_view name;     // On the stream: `namespace/name`.
  std::string_view version;  // On the stream.
};

// What one resource adds: a number of 256 bits, the least significant word first.
using DigestElement = std::array<std::uint64_t, 4>;
DigestElement DigestElementOf(const DigestEntry& entry);

// The sum over a set of resources. Each of them is added once, and taken out as it was added.
class DigestSum {
 public:
  void Add(const DigestElement& element);
  void TakeOut(const DigestElement& element);
  // 64 lower-case hex digits.
  std::string Hex() const;

 private:
  DigestElement sum_{};
};

// Of a whole set; the order of `entries` does not matter.
std::string GenerationDigest(const std::vector<DigestEntry>& entries);

}  // namespace sluice::model
