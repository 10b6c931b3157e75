#include "daemon/rekeyctl/table.hpp"

#include "daemon/control/utf8.hpp"

#include <algorithm>

namespace rekeyd::rekeyctl {

namespace {

constexpr char const* replacement = "\xEF\xBF\xBD";  // U+FFFD

// C0, DEL, C1 (U+0080-9F), line and paragraph separators and marks of direction (U+200E-F, U+2028-2E,
// U+2066-69).
bool steers(std::string_view sequence) {
  if (sequence.size() == 1) return static_cast<unsigned char>(sequence[0]) < 0x20 || sequence[0] == 0x7F;
  if (sequence.size() == 2) return sequence[0] == '\xC2' && static_cast<unsigned char>(sequence[1]) < 0xA0;
  if (sequence.size() != 3 || sequence[0] != '\xE2') return false;
  auto const last = static_cast<unsigned char>(sequence[2]);
  if (sequence[1] == '\x80') return last == 0x8E || last == 0x8F || (last >= 0xA8 && last <= 0xAE);
  return sequence[1] == '\x81' && last >= 0xA6 && last <= 0xA9;
}

std::size_t width_of(std::string const& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string row_text(std::vector<Cell> const& row, std::vector<Column> const& columns,
                     std::vector<std::size_t> const& widths, bool colour) {
  std::string line, gap;
  for (std::size_t i = 0; i < row.size(); ++i) {
    std::string const padding(widths[i] - width_of(row[i].text), ' ');
    bool const right = columns[i].align == Column::Align::right;
    if (right) gap += padding;
    if (!row[i].text.empty()) {
      line += gap + styled(row[i].text, row[i].style, colour);
      gap.clear();
    }
    if (!right) gap += padding;
    gap += "  ";
  }
  return line + "\n";
}

}  // namespace

std::string printable(std::string const& text) {
  std::string clean;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::size_t const length = daemon::utf8_sequence(rest);
    std::string_view const sequence = rest.substr(0, std::max<std::size_t>(length, 1));
    if (sequence == "\n" || sequence == "\t") {
      clean += ' ';
    } else if (length == 0 || steers(sequence)) {
      clean += replacement;
    } else {
      clean += sequence;
    }
    rest.remove_prefix(sequence.size());
  }
  return clean;
}

std::string Table::text(bool colour) const {
  std::vector<Cell> headings;
  std::vector<std::size_t> widths;
  for (Column const& column : columns_) {
    headings.emplace_back(column.heading, Style::heading);
    widths.push_back(width_of(column.heading));
  }
  for (auto const& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i].text));
  }
  std::string all = row_text(headings, columns_, widths, colour);
  for (auto const& row : rows_) all += row_text(row, columns_, widths, colour);
  return all;
}

}  // namespace rekeyd::rekeyctl
