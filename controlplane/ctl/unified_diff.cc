#include "controlplane/ctl/unified_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "common/base/limits.h"

namespace sluice::ctl {
namespace {

constexpr std::size_t kContext = 3;
constexpr std::string_view kNoLineEnd = "\\ No newline at end of file\n";

using Lines = std::vector<std::string_view>;  // Each with its line end, when it has one.

struct Edit {
  char mark;  // ' ', '-', '+'
  std::string_view line;
};

Lines SplitLines(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto length = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return lines;
}

void ReplaceAll(const Lines& a, const Lines& b, std::vector<Edit>& edits) {
  for (const auto line : a) edits.push_back({'-', line});
  for (const auto line : b) edits.push_back({'+', line});
}

// E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986): the furthest point on each
// diagonal k = x - y after d edits, kept for every d, then walked back.
void Myers(const Lines& a, const Lines& b, std::vector<Edit>& edits) {
  const auto n = static_cast<std::ptrdiff_t>(a.size());
  const auto m = static_cast<std::ptrdiff_t>(b.size());
  const std::ptrdiff_t offset = n + m + 1;
  std::vector<std::ptrdiff_t> furthest(static_cast<std::size_t>(2 * offset + 1), 0);
  const auto at = [&](std::ptrdiff_t k) -> std::ptrdiff_t& {
    return furthest[static_cast<std::size_t>(k + offset)];
  };
  // trace[d][k + d]: `furthest` for -d <= k <= d before round d.
  std::vector<std::vector<std::ptrdiff_t>> trace;
  std::size_t cells = 0;
  bool done = false;
  for (std::ptrdiff_t d = 0; !done; ++d) {
    cells += static_cast<std::size_t>(2 * d + 1);
    if (cells > limits::kDiffCells) return ReplaceAll(a, b, edits);
    trace.emplace_back(furthest.begin() + offset - d, furthest.begin() + offset + d + 1);
    for (std::ptrdiff_t k = -d; k <= d && !done; k += 2) {
      const bool down = k == -d || (k != d && at(k - 1) < at(k + 1));
      std::ptrdiff_t x = down ? at(k + 1) : at(k - 1) + 1;
      while (x < n && x - k < m &&
             a[static_cast<std::size_t>(x)] == b[static_cast<std::size_t>(x - k)]) {
        ++x;
      }
      at(k) = x;
      done = x >= n && x - k >= m;
    }
  }

  std::vector<Edit> backwards;
  std::ptrdiff_t x = n;
  std::ptrdiff_t y = m;
  for (auto d = static_cast<std::ptrdiff_t>(trace.size()) - 1; d >= 0; --d) {
    const auto& row = trace[static_cast<std::size_t>(d)];
    const auto before = [&](std::ptrdiff_t k) { return row[static_cast<std::size_t>(k + d)]; };
    const std::ptrdiff_t k = x - y;
    std::ptrdiff_t from_x = 0;
    std::ptrdiff_t from_y = 0;
    if (d > 0) {
      const bool down = k == -d || (k != d && before(k - 1) < before(k + 1));
      const std::ptrdiff_t from_k = down ? k + 1 : k - 1;
      from_x = before(from_k);
      from_y = from_x - from_k;
    }
    while (x > from_x && y > from_y) {
      backwards.push_back({' ', a[static_cast<std::size_t>(--x)]});
      --y;
    }
    if (d == 0) break;
    if (x == from_x) {
      backwards.push_back({'+', b[static_cast<std::size_t>(--y)]});
    } else {
      backwards.push_back({'-', a[static_cast<std::size_t>(--x)]});
    }
  }
  edits.insert(edits.end(), backwards.rbegin(), backwards.rend());
}

std::vector<Edit> EditsBetween(Lines a, Lines b) {
  std::vector<Edit> edits;
  std::size_t same = 0;
  while (same < a.size() && same < b.size() && a[same] == b[same]) {
    edits.push_back({' ', a[same++]});
  }
  std::size_t tail = 0;
  while (tail < a.size() - same && tail < b.size() - same &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    ++tail;
  }
  const Lines ending(a.end() - static_cast<std::ptrdiff_t>(tail), a.end());
  const auto middle = [&](const Lines& lines) {
    return Lines(lines.begin() + static_cast<std::ptrdiff_t>(same),
                 lines.end() - static_cast<std::ptrdiff_t>(tail));
  };
  Myers(middle(a), middle(b), edits);
  for (const auto line : ending) edits.push_back({' ', line});
  return edits;
}

// `start,count` as diff(1) writes it: the count is left out when it is 1, and an empty side starts
// at the line before it.
std::string RangeText(std::size_t lines_before, std::size_t count) {
  if (count == 1) return fmt::format("{}", lines_before + 1);
  return fmt::format("{},{}", count == 0 ? lines_before : lines_before + 1, count);
}

}  // namespace

std::string UnifiedDiff(const DiffSides& sides) {
  if (sides.before == sides.after) return "";
  const auto edits = EditsBetween(SplitLines(sides.before), SplitLines(sides.after));
  std::string text = fmt::format("--- {}\n+++ {}\n", sides.before_name, sides.after_name);
  std::size_t before_line = 0;
  std::size_t after_line = 0;
  std::size_t next = 0;
  while (true) {
    // A hunk: from kContext lines before a change until 2 * kContext equal lines follow one
    // another.
    std::size_t first = next;
    while (first < edits.size() && edits[first].mark == ' ') ++first;
    if (first == edits.size()) return text;
    const std::size_t start = std::max(next, first - std::min(first, kContext));
    before_line += start - next;
    after_line += start - next;
    std::size_t end = first;
    for (std::size_t i = first; i < edits.size() && i - end <= 2 * kContext; ++i) {
      if (edits[i].mark != ' ') end = i + 1;
    }
    end = std::min(end + kContext, edits.size());

    std::string body;
    std::size_t removed = 0;
    std::size_t added = 0;
    for (std::size_t i = start; i < end; ++i) {
      removed += edits[i].mark != '+' ? 1 : 0;
      added += edits[i].mark != '-' ? 1 : 0;
      body += edits[i].mark;
      body += edits[i].line;
      if (!edits[i].line.ends_with('\n')) body.append("\n").append(kNoLineEnd);
    }
    text += fmt::format("@@ -{} +{} @@\n{}", RangeText(before_line, removed),
                        RangeText(after_line, added), body);
    before_line += removed;
    after_line += added;
    next = end;
  }
}

}  // namespace sluice::ctl
