#pragma once
#include "daemon/rekeyctl/colour.hpp"

#include <string>
#include <vector>

namespace rekeyd::rekeyctl {

/// Text for a terminal: control characters, line breaks, direction marks and broken UTF-8 replaced, so that a
/// key's name or a provider's message can neither move the cursor nor break a line.
std::string printable(std::string const& text);

struct Column {
  std::string heading;
  enum class Align { left, right } align{Align::left};
};

struct Cell {
  Cell(std::string const& words, Style with = Style::plain) : text(printable(words)), style(with) {}
  Cell(char const* words) : Cell(std::string(words)) {}
  std::string text;
  Style style;
};

/// Columns as wide as their widest cell (one place a code point), two spaces between, no trailing spaces, one
/// row a line. Nothing is cut off: whoever wants it narrower has JSON.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as columns.
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  std::string text(bool colour) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace rekeyd::rekeyctl
