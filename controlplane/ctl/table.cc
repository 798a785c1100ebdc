#include "controlplane/ctl/table.h"

#include <algorithm>

namespace sluice::ctl {
namespace {

constexpr std::size_t kGap = 3;

}  // namespace

std::size_t DisplayWidth(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // Not a continuation byte.
  }));
}

std::string OneLine(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n' || c == '\t' || c == '\r') {
      c = ' ';
    } else if (byte < 0x20 || byte == 0x7F) {
      c = '?';
    }
  }
  return line;
}

std::string Indented(std::string_view text, std::size_t indent) {
  std::string result;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0) result.append(indent, ' ').append(text.substr(0, end));
    result += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

std::string Table::Take(bool with_header) {
  std::vector<Row> lines;
  if (with_header && !header_printed_) {
    lines.push_back(header_);
    header_printed_ = true;
  }
  for (Row& row : rows_) lines.push_back(std::move(row));
  rows_.clear();

  for (Row& line : lines) {
    widths_.resize(std::max(widths_.size(), line.size()));
    for (std::size_t i = 0; i < line.size(); ++i) {
      line[i] = line[i].empty() ? "-" : OneLine(line[i]);
      widths_[i] = std::max(widths_[i], DisplayWidth(line[i]));
    }
  }
  std::string text;
  for (const Row& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      text += line[i];
      if (i + 1 < line.size()) text.append(widths_[i] + kGap - DisplayWidth(line[i]), ' ');
    }
    text += '\n';
  }
  return text;
}

}  // namespace sluice::ctl
