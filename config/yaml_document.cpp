#include "config/yaml_document.hpp"

#include "config/file_text.hpp"
#include "config/text_encoding.hpp"
#include "config/yaml_tree_builder.hpp"

#include <fmt/format.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <array>
#include <sstream>

namespace rekeyd::config {

namespace {

namespace msg = YAML::ErrorMsg;

struct SyntaxWords {
  std::string_view theirs;  ///< What the parser's message begins with.
  char const* ours;
  char const* hint;
};

/// The parser's messages, told to people who write policies. Also: some of the parser's messages quote the
/// text, and the text may be a secret; these sentences never do.
std::array const syntax_words{
    SyntaxWords{msg::UNKNOWN_ANCHOR, "an alias (*name) of nothing",
                "a pattern that begins with '*' needs quotes: \"*-prod\""},
    SyntaxWords{msg::ALIAS_NOT_FOUND, "a bare '*'", "a pattern that begins with '*' needs quotes: \"*\""},
    SyntaxWords{msg::CHAR_IN_ALIAS, "an alias (*name) that cannot be one",
                "a pattern that begins with '*' needs quotes: \"*-prod\""},
    SyntaxWords{msg::TAB_IN_INDENTATION, "a tab in the indentation", "indent with spaces"},
    SyntaxWords{msg::MAP_VALUE, "a ':' where no value can begin",
                "is the line indented like its neighbours, with spaces? Text with ': ' in it needs quotes"},
    SyntaxWords{msg::MAP_KEY, "a field's name where none can be",
                "is the line indented like its neighbours, with spaces?"},
    SyntaxWords{msg::BLOCK_ENTRY, "a '-' where no list item can be",
                "is the line indented like its neighbours, with spaces?"},
    SyntaxWords{msg::END_OF_MAP_FLOW, "a '{' that is not closed", "add the missing '}' or ','"},
    SyntaxWords{msg::END_OF_SEQ_FLOW, "a '[' that is not closed", "add the missing ']' or ','"},
    SyntaxWords{msg::END_OF_MAP, "a line that does not belong to the fields before it",
                "is it indented like its neighbours, and is there a ':' after the name?"},
    SyntaxWords{msg::END_OF_SEQ, "a line that does not belong to the list before it",
                "is it indented like its neighbours, with spaces?"},
    SyntaxWords{msg::FLOW_END, "a ']' or '}' that closes nothing", ""},
    SyntaxWords{msg::EOF_IN_SCALAR, "a quote that is not closed", "add the missing quote"},
    SyntaxWords{msg::DOC_IN_SCALAR, "a quote that is not closed before '---'", "add the missing quote"},
    SyntaxWords{msg::INVALID_ESCAPE, "an unknown escape after '\\'",
                "use single quotes for text with backslashes"},
    SyntaxWords{msg::BAD_FILE, "nested too deeply", ""},
};

void report(YAML::Exception const& error, LineIndex& lines, Findings& findings) {
  Position const at = lines.position(error.mark);
  // To the parser a line that begins with a tab is just not where it should be.
  if (auto const tab = lines.indenting_tab(at)) {
    findings.error(*tab, "syntax", "not readable as YAML: a tab in the indentation", "indent with spaces");
    return;
  }
  for (SyntaxWords const& words : syntax_words) {
    if (std::string_view(error.msg).starts_with(words.theirs)) {
      findings.error(at, "syntax", fmt::format("not readable as YAML: {}", words.ours), words.hint);
      return;
    }
  }
  findings.error(at, "syntax", "not readable as YAML from here on");
}

bool report_open_quote(YamlTreeBuilder const& tree, LineIndex& lines, Findings& findings) {
  if (!lines.has_open_quote(tree.last_quoted())) return false;
  findings.error(lines.position(tree.last_quoted()), "syntax",
                 "not readable as YAML: a quote that is not closed", "add the missing quote");
  return true;
}

bool parse_into(YamlTreeBuilder& tree, std::string const& text, LineIndex& lines, Findings& findings) {
  std::istringstream in(text);
  try {
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(tree)) {
    }
    return !report_open_quote(tree, lines, findings);
  } catch (ParsingStopped const&) {
  } catch (YAML::Exception const& error) {
    // An open quote swallows what follows; the parser then complains of something that is missing there.
    if (!report_open_quote(tree, lines, findings)) report(error, lines, findings);
  }
  return false;
}

}  // namespace

char const* to_text(YamlValue::Kind kind) {
  switch (kind) {
    case YamlValue::Kind::scalar:
      return "text";
    case YamlValue::Kind::list:
      return "a list";
    case YamlValue::Kind::map:
      return "a map";
    case YamlValue::Kind::null:
    case YamlValue::Kind::refused:
      break;
  }
  return "nothing";
}

std::optional<YamlValue> parse_yaml(std::string_view text, Findings& findings) {
  if (text.size() > file_bytes_max) {
    UnreadableFile const refusal = too_large();
    findings.error({}, refusal.rule, refusal.message, refusal.hint);
    return std::nullopt;
  }
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  std::string const body(text);
  if (!check_encoding(body, findings)) return std::nullopt;
  LineIndex lines(body);
  YamlTreeBuilder tree(lines, findings);
  if (!parse_into(tree, body, lines, findings)) return std::nullopt;
  YamlValue root = tree.take();
  if (tree.documents() == 0 || root.kind == YamlValue::Kind::null) {
    findings.error({}, "empty-file", "says nothing", "begin with 'version: 1'");
    return std::nullopt;
  }
  return root;
}

}  // namespace rekeyd::config
