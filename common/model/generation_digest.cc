#include "common/model/generation_digest.h"

#include <algorithm>
#include <cstddef>

#include "common/base/sha256.h"

namespace sluice::model {

std::string GenerationDigest(const std::vector<DigestEntry>& entries) {
  std::size_t bytes = 0;
  for (const DigestEntry& entry : entries) {
    bytes += entry.type_url.size() + entry.name.size() + entry.version.size() + 3;
  }
  std::string text;
  text.reserve(bytes);  // The views below point into it.
  std::vector<std::string_view> lines;
  lines.reserve(entries.size());
  for (const DigestEntry& entry : entries) {
    const std::size_t start = text.size();
    text.append(entry.type_url).append(1, ' ');
    text.append(entry.name).append(1, ' ');
    text.append(entry.version).append(1, '\n');
    lines.push_back(std::string_view(text).substr(start));
  }
  if (std::is_sorted(lines.begin(), lines.end())) return Sha256Hex(text);
  std::sort(lines.begin(), lines.end());
  std::string sorted;
  sorted.reserve(text.size());
  for (const std::string_view line : lines) sorted.append(line);
  return Sha256Hex(sorted);
}

}  // namespace sluice::model
