#include "common/model/generation_digest.h"

#include <fmt/format.h>

#include <cstddef>

#include "common/base/sha256.h"

namespace sluice::model {

DigestElement DigestElementOf(const DigestEntry& entry) {
  std::string line;
  line.reserve(entry.type_url.size() + entry.name.size() + entry.version.size() + 3);
  line.append(entry.type_url).append(1, ' ');
  line.append(entry.name).append(1, ' ');
  line.append(entry.version).append(1, '\n');
  const auto hash = Sha256(line);
  DigestElement element{};
  for (std::size_t i = 0; i < hash.size(); ++i) {  // Big-endian.
    std::uint64_t& word = element[3 - i / 8];
    word = word << 8 | hash[i];
  }
  return element;
}

void DigestSum::Add(const DigestElement& element) {
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    const std::uint64_t with_carry = element[i] + carry;
    const std::uint64_t over = with_carry < carry ? 1 : 0;
    sum_[i] += with_carry;
    carry = over + (sum_[i] < with_carry ? 1 : 0);
  }
}

void DigestSum::TakeOut(const DigestElement& element) {
  std::uint64_t borrow = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    const std::uint64_t with_borrow = element[i] + borrow;
    const std::uint64_t over = with_borrow < borrow ? 1 : 0;
    const std::uint64_t before = sum_[i];
    sum_[i] -= with_borrow;
    borrow = over + (before < with_borrow ? 1 : 0);
  }
}

std::string DigestSum::Hex() const {
  return fmt::format("{:016x}{:016x}{:016x}{:016x}", sum_[3], sum_[2], sum_[1], sum_[0]);
}

std::string GenerationDigest(const std::vector<DigestEntry>& entries) {
  DigestSum sum;
  for (const DigestEntry& entry : entries) sum.Add(DigestElementOf(entry));
  return sum.Hex();
}

}  // namespace sluice::model
