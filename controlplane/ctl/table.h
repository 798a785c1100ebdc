// Text tables: columns as wide as their longest cell, three spaces between, no trailing blanks.
// Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ctl {

using Row = std::vector<std::string>;

class Table {
 public:
  explicit Table(Row header) : header_(std::move(header)) {}

  void Add(Row row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  // The rows added since the last call, the header first unless it was printed before or is not
  // wanted. Columns never become narrower from one call to the next, so that a stream of rows
  // stays aligned.
  std::string Take(bool with_header);

 private:
  Row header_;
  std::vector<Row> rows_;
  std::vector<std::size_t> widths_;
  bool header_printed_ = false;
};

// Columns on the screen that UTF-8 text takes, every code point counted as one.
std::size_t DisplayWidth(std::string_view text);
// Control characters (of a hostile name or message) become '?', line ends a space: one cell stays
// one line and cannot command the terminal.
std::string OneLine(std::string_view text);
// Each line with `indent` blanks in front; empty lines stay empty.
std::string Indented(std::string_view text, std::size_t indent);

}  // namespace sluice::ctl
