#include "config/yaml_tree_builder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rekeyd::config {

LineIndex::LineIndex(std::string_view text) : text_(text) {
  std::size_t from = 0;
  for (std::size_t end; (end = text.find('\n', from)) != std::string_view::npos; from = end + 1) {
    lines_.push_back(text.substr(from, end - from));
  }
  lines_.push_back(text.substr(from));
}

namespace {

std::ptrdiff_t character_count(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

}  // namespace

Position LineIndex::position(YAML::Mark const& mark) {
  if (mark.is_null() || mark.line < 0) return {};
  auto const line = static_cast<std::size_t>(mark.line);
  if (line >= lines_.size()) return {mark.line + 1, mark.column + 1};
  auto const bytes = std::min(static_cast<std::size_t>(std::max(mark.column, 0)), lines_[line].size());
  if (line != line_) {
    line_ = line;
    bytes_ = 0;
    characters_ = 0;
  }
  std::string_view const text = lines_[line];
  if (bytes >= bytes_) {
    characters_ += character_count(text.substr(bytes_, bytes - bytes_));
  } else {
    characters_ -= character_count(text.substr(bytes, bytes_ - bytes));
  }
  bytes_ = bytes;
  return {mark.line + 1, static_cast<int>(characters_) + 1};
}

std::string_view LineIndex::from(YAML::Mark const& mark) const {
  auto const line = static_cast<std::size_t>(mark.line);
  if (mark.is_null() || mark.line < 0 || mark.column < 0 || line >= lines_.size()) return {};
  auto const bytes = static_cast<std::size_t>(mark.column);
  if (bytes > lines_[line].size()) return {};
  return text_.substr(static_cast<std::size_t>(lines_[line].data() - text_.data()) + bytes);
}

bool LineIndex::begins_with(YAML::Mark const& mark, std::string_view word) const {
  return from(mark).starts_with(word);
}

bool LineIndex::has_open_quote(YAML::Mark const& mark) const {
  std::string_view const rest = from(mark);
  if (rest.empty() || (rest.front() != '"' && rest.front() != '\'')) return false;
  char const quote = rest.front();
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (quote == '"' && rest[i] == '\\') {
      ++i;
    } else if (rest[i] == quote) {
      bool const doubled = quote == '\'' && i + 1 < rest.size() && rest[i + 1] == quote;
      if (!doubled) return false;
      ++i;
    }
  }
  return true;
}

std::optional<Position> LineIndex::indenting_tab(Position at) const {
  if (at.line < 1 || static_cast<std::size_t>(at.line) > lines_.size()) return std::nullopt;
  std::string_view const line = lines_[static_cast<std::size_t>(at.line) - 1];
  std::string_view const indentation = line.substr(0, line.find_first_not_of(" \t"));
  auto const tab = indentation.find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  return Position{at.line, static_cast<int>(tab) + 1};
}

Position LineIndex::empty_item_above(Position at) const {
  for (int line = std::min(at.line - 1, static_cast<int>(lines_.size())); line > 0; --line) {
    std::string_view const text = lines_[static_cast<std::size_t>(line - 1)];
    auto const dash = text.find_first_not_of(' ');
    if (dash == std::string_view::npos || text[dash] == '#') continue;
    if (text[dash] == '-') return {line, static_cast<int>(dash) + 1};
    break;
  }
  return at;
}

void YamlTreeBuilder::OnDocumentStart(YAML::Mark const& mark) {
  if (++documents_ == 1) return;
  findings_.error(lines_.position(mark), "second-document", "a second YAML document begins here",
                  "a file holds one: put the rest into another file");
  throw ParsingStopped();
}

void YamlTreeBuilder::OnNull(YAML::Mark const& mark, YAML::anchor_t /*anchor*/) {
  Position at = lines_.position(mark);
  count(at);
  bool const written = lines_.begins_with(mark, "~") || lines_.begins_with(mark, "null") ||
                       lines_.begins_with(mark, "Null") || lines_.begins_with(mark, "NULL");
  // The parser's place of a value that is not there is that of whatever comes next.
  bool const is_value = !open_.empty() && open_.back().key_read;
  if (!written && is_value) at = open_.back().value.fields.back().at;
  if (!written && !is_value && !open_.empty() && open_.back().block_list) at = lines_.empty_item_above(at);
  YamlValue value;
  value.at = at;
  add(std::move(value));
}

void YamlTreeBuilder::OnAlias(YAML::Mark const& mark, YAML::anchor_t /*anchor*/) {
  Position const at = lines_.position(mark);
  count(at);
  findings_.error(at, "alias", "aliases (*name) are not read",
                  "write the value out; a pattern that begins with '*' needs quotes");
  YamlValue value;
  value.kind = YamlValue::Kind::refused;
  value.at = at;
  add(std::move(value));
}

void YamlTreeBuilder::OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t /*anchor*/,
                               std::string const& value) {
  Position const at = lines_.position(mark);
  count(at);
  YamlValue scalar;
  scalar.kind = refuse_tag(at, tag) ? YamlValue::Kind::refused : YamlValue::Kind::scalar;
  scalar.at = at;
  scalar.text = value;
  scalar.quoted = tag == "!";
  if (scalar.quoted) last_quoted_ = mark;
  add(std::move(scalar));
}

void YamlTreeBuilder::OnSequenceStart(YAML::Mark const& mark, std::string const& tag,
                                      YAML::anchor_t /*anchor*/, YAML::EmitterStyle::value style) {
  open(YamlValue::Kind::list, mark, tag, style == YAML::EmitterStyle::Block);
}

void YamlTreeBuilder::OnMapStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t /*anchor*/,
                                 YAML::EmitterStyle::value /*style*/) {
  open(YamlValue::Kind::map, mark, tag, false);
}

void YamlTreeBuilder::OnAnchor(YAML::Mark const& mark, std::string const& /*name*/) {
  findings_.error(lines_.position(mark), "anchor", "anchors (&name) are not read",
                  "write the value out where it is needed; text that begins with '&' needs quotes");
}

void YamlTreeBuilder::open(YamlValue::Kind kind, YAML::Mark const& mark, std::string const& tag, bool block) {
  Position const at = lines_.position(mark);
  count(at);
  if (open_.size() >= yaml_depth_max) {
    findings_.error(at, "too-deep", fmt::format("nested deeper than {} levels", yaml_depth_max));
    throw ParsingStopped();
  }
  Open level;
  level.refused = refuse_tag(at, tag);
  level.block_list = block;
  level.value.kind = kind;
  level.value.at = at;
  open_.push_back(std::move(level));
}

void YamlTreeBuilder::close() {
  Open done = std::move(open_.back());
  open_.pop_back();
  if (done.refused) done.value.kind = YamlValue::Kind::refused;
  add(std::move(done.value));
}

void YamlTreeBuilder::add(YamlValue value) {
  if (open_.empty()) {
    root_ = std::move(value);
    return;
  }
  Open& level = open_.back();
  if (level.value.kind == YamlValue::Kind::list) {
    level.value.items.push_back(std::move(value));
  } else if (level.key_read) {
    level.value.fields.back().value = std::move(value);
    level.key_read = false;
  } else {
    add_key(level, std::move(value));
  }
}

void YamlTreeBuilder::add_key(Open& map, YamlValue key) {
  std::string name;
  if (key.kind == YamlValue::Kind::scalar && key.text == "<<" && !key.quoted) {
    findings_.error(key.at, "merge-key", "merge keys (<<) are not read", "write the fields out");
  } else if (key.kind == YamlValue::Kind::scalar && !key.text.empty()) {
    name = std::move(key.text);
  } else if (key.kind != YamlValue::Kind::refused) {
    findings_.error(key.at, "field-name",
                    fmt::format("a field's name must be a word, found {}", to_text(key.kind)));
  }
  map.value.fields.push_back({std::move(name), key.at, {}});
  map.key_read = true;
}

bool YamlTreeBuilder::refuse_tag(Position at, std::string const& tag) {
  // "?": none given; "!": quoted or a block scalar; empty: a list or map in quotes' place.
  if (tag == "?" || tag == "!" || tag.empty()) return false;
  findings_.error(at, "tag", "YAML tags (!...) are not read", "text that begins with '!' needs quotes");
  return true;
}

void YamlTreeBuilder::count(Position at) {
  if (++nodes_ <= yaml_nodes_max) return;
  findings_.error(at, "too-many-values", fmt::format("more than {} values", yaml_nodes_max),
                  "split the file into several");
  throw ParsingStopped();
}

}  // namespace rekeyd::config
