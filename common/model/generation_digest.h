// What a Generation's digest is computed over (proto/sluice/v1/generation.proto): one function for
// the side that states it and the side that checks it. Pure; thread-safe.
#pragma once

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

// Lower-case hex SHA-256. The order of `entries` does not matter; input already in order of type
// URL and name costs no sort.
std::string GenerationDigest(const std::vector<DigestEntry>& entries);

}  // namespace sluice::model
