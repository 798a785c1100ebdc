#include "dataplane/tables/source_table.h"

#include <algorithm>

namespace sluice::dataplane {
namespace {

using IpBytes = std::array<unsigned char, 16>;

IpBytes ToBytes(std::string_view ip) {
  IpBytes bytes{};
  std::copy(ip.begin(), ip.end(), bytes.begin());
  return bytes;
}

// The address after the block's last; all zeros when the block ends the address space.
IpBytes AfterBlock(IpBytes first, unsigned prefix) {
  if (prefix == 0) return {};
  std::size_t byte = (prefix - 1) / 8;
  unsigned carry = 1U << (7 - (prefix - 1) % 8);
  for (;; --byte) {
    const unsigned sum = first[byte] + carry;
    first[byte] = static_cast<unsigned char>(sum);
    carry = sum >> 8;
    if (carry == 0 || byte == 0) return first;
  }
}

// Blocks are nested or apart. Walking them by start, the wider first, the open ones form a stack
// whose best entry holds until the innermost ends.
struct OpenBlock {
  IpBytes after;
  bool to_the_end;     // `after` is beyond the address space.
  std::uint32_t best;  // Lowest entry of this block and those around it.
};

}  // namespace

SourceTable::Ranges SourceTable::BuildRanges(const std::vector<Source>& sources,
                                             sa_family_t family) {
  struct Block {
    IpBytes first;
    unsigned prefix;
    std::uint32_t entry;
  };
  std::vector<Block> blocks;
  for (const Source& source : sources) {
    if (source.block.family() != family) continue;
    blocks.push_back({ToBytes(source.block.ip_bytes()), source.block.prefix(), source.entry});
  }
  if (blocks.empty()) return {};
  std::sort(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) {
    if (a.first != b.first) return a.first < b.first;
    return a.prefix < b.prefix;
  });

  Ranges ranges{{IpBytes{}, kNone}};
  const auto from_here = [&](const IpBytes& start, std::uint32_t entry) {
    if (ranges.back().start == start) ranges.pop_back();
    if (ranges.empty() || ranges.back().entry != entry) ranges.push_back({start, entry});
  };
  std::vector<OpenBlock> open;
  const auto close_innermost = [&] {
    const OpenBlock closed = open.back();
    open.pop_back();
    if (!closed.to_the_end) from_here(closed.after, open.empty() ? kNone : open.back().best);
  };
  for (const Block& block : blocks) {
    while (!open.empty() && !open.back().to_the_end && open.back().after <= block.first) {
      close_innermost();
    }
    const IpBytes after = AfterBlock(block.first, block.prefix);
    const std::uint32_t best = open.empty() ? block.entry : std::min(block.entry, open.back().best);
    open.push_back({after, after == IpBytes{}, best});
    from_here(block.first, best);
  }
  while (!open.empty()) close_innermost();
  ranges.shrink_to_fit();
  return ranges;
}

SourceTable SourceTable::Build(const std::vector<Source>& sources) {
  SourceTable table;
  table.v4_ = BuildRanges(sources, AF_INET);
  table.v6_ = BuildRanges(sources, AF_INET6);
  for (const Source& source : sources) {
    if (source.block.family() == AF_UNIX) {
      table.unix_entry_ = std::min(table.unix_entry_, source.entry);
    }
  }
  return table;
}

std::uint32_t SourceTable::FirstMatch(const SocketAddress& address) const {
  if (address.is_unix()) return unix_entry_;
  const SocketAddress client = address.Unmapped();
  const Ranges& ranges = client.family() == AF_INET ? v4_ : v6_;
  const IpBytes ip = ToBytes(client.ip_bytes());
  const auto after = std::upper_bound(
      ranges.begin(), ranges.end(), ip,
      [](const IpBytes& value, const Range& range) { return value < range.start; });
  return after == ranges.begin() ? kNone : std::prev(after)->entry;
}

}  // namespace sluice::dataplane
