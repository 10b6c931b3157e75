#include "config/yaml_document.hpp"

#include "config/file_text.hpp"
#include "tests/config/texts.hpp"

#include <catch2/catch.hpp>

#include <chrono>

namespace rekeyd::config {

namespace {

struct Parsed {
  std::optional<YamlValue> root;
  std::vector<Diagnostic> diagnostics;
};

Parsed parse(std::string const& text) {
  Findings findings("f.yaml");
  std::optional<YamlValue> root;
  try {
    root = parse_yaml(text, findings);
  } catch (TooManyFindings const&) {  // NOLINT(bugprone-empty-catch): it is among the findings.
  }
  return {std::move(root), findings.take()};
}

std::string only_rule(Parsed const& parsed) {
  REQUIRE(parsed.diagnostics.size() == 1);
  return parsed.diagnostics.front().rule;
}

std::string repeated(std::string const& piece, std::size_t times) {
  std::string text;
  text.reserve(piece.size() * times);
  for (std::size_t i = 0; i < times; ++i) text += piece;
  return text;
}

/// Generous for a loaded machine with sanitizers, and a tenth of what parsing ten megabytes takes.
constexpr std::chrono::milliseconds well_under_a_second{500};

template <class Act>
std::chrono::nanoseconds time_of(Act act) {
  auto const start = std::chrono::steady_clock::now();
  act();
  return std::chrono::steady_clock::now() - start;
}

}  // namespace

TEST_CASE("every value has its line and column, counted in characters from 1") {
  auto const parsed = parse("ä: ö\nlist:\n  - {ü: 'x', b: [1, 2]}\n");
  REQUIRE(parsed.root);
  auto const& fields = parsed.root->fields;
  REQUIRE(fields.size() == 2);
  CHECK(fields[0].value.at.column == 4);
  auto const& item = fields[1].value.items.at(0);
  CHECK(item.at.line == 3);
  CHECK(item.at.column == 5);
  CHECK(item.fields.at(0).value.at.column == 9);
  CHECK(item.fields.at(1).value.items.at(1).at.column == 21);
}

TEST_CASE("a byte order mark and CRLF line ends shift no place") {
  auto const parsed = parse(
      "\xef\xbb\xbf"
      "a: 1\r\nb: 2\r\n");
  REQUIRE(parsed.root);
  CHECK(parsed.root->fields.at(0).at.column == 1);
  CHECK(parsed.root->fields.at(1).value.text == "2");
  CHECK(parsed.root->fields.at(1).value.at.line == 2);
}

TEST_CASE("a value that is not there is placed at its field's name, or at its dash") {
  auto const parsed = parse("a:\n\nb: ~\nc:\n  - 1\n  -\n\n# words\n  - 2\n");
  REQUIRE(parsed.root);
  auto const& fields = parsed.root->fields;
  CHECK(fields.at(0).value.at.line == 1);
  CHECK(fields.at(1).value.at.line == 3);
  CHECK(fields.at(1).value.at.column == 4);
  auto const& empty = fields.at(2).value.items.at(1);
  CHECK(empty.kind == YamlValue::Kind::null);
  CHECK(empty.at.line == 6);
  CHECK(empty.at.column == 3);
}

TEST_CASE("quoted and block scalars are told apart from plain ones") {
  auto const parsed = parse("a: 1\nb: '1'\nc: \"1\"\nd: |\n  1\n");
  REQUIRE(parsed.root);
  CHECK_FALSE(parsed.root->fields.at(0).value.quoted);
  for (std::size_t i : {1U, 2U, 3U}) CHECK(parsed.root->fields.at(i).value.quoted);
}

TEST_CASE("ten megabytes are refused before they are parsed") {
  std::string const text = "version: 1\n" + repeated("# words\n", 10U << 17U);
  REQUIRE(text.size() > (10U << 20U));
  Parsed parsed;
  CHECK(time_of([&] { parsed = parse(text); }) < well_under_a_second);
  CHECK(only_rule(parsed) == "too-large");
  CHECK_FALSE(parsed.root);
}

TEST_CASE("a file of ten megabytes is refused before it is read") {
  test::TemporaryFolder const folder;
  test::write(folder / "big.yaml", repeated("0123456789abcdef", 10U << 16U));
  std::expected<std::string, UnreadableFile> text;
  CHECK(time_of([&] { text = read_file_text(folder / "big.yaml"); }) < well_under_a_second);
  REQUIRE_FALSE(text);
  CHECK(text.error().rule == "too-large");
}

TEST_CASE("a file of exactly the limit is read, one byte more is not") {
  test::TemporaryFolder const folder;
  test::write(folder / "a", std::string(file_bytes_max, '#'));
  test::write(folder / "b", std::string(file_bytes_max + 1, '#'));
  CHECK(read_file_text(folder / "a"));
  CHECK_FALSE(read_file_text(folder / "b"));
}

TEST_CASE("an alias bomb is refused at its first anchor and its size does not matter") {
  std::string bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'z'; ++c) {
    std::string const last = std::string("*") + static_cast<char>(c - 1);
    bomb += std::string(1, c) + ": &" + c + " [" + repeated(last + ", ", 8) + last + "]\n";
  }
  Parsed parsed;
  CHECK(time_of([&] { parsed = parse(bomb); }) < well_under_a_second);
  REQUIRE_FALSE(parsed.diagnostics.empty());
  CHECK(parsed.diagnostics.front().rule == "anchor");
  CHECK(parsed.diagnostics.at(1).rule == "anchor");
  CHECK(parsed.diagnostics.at(2).rule == "alias");
}

TEST_CASE("twenty thousand levels are refused") {
  std::size_t const levels = 20'000;
  for (std::string const piece : {"[", "{a: ", "- ", "{", "? ", "[{a: "}) {
    CAPTURE(piece);
    auto const parsed = parse(repeated(piece, levels) + "\n");
    CHECK_FALSE(parsed.root);
    CHECK(only_rule(parsed) == "too-deep");
  }
}

TEST_CASE("the deepest level that is allowed is read") {
  auto const nested = [](std::size_t levels) { return repeated("[", levels) + repeated("]", levels) + "\n"; };
  CHECK(parse(nested(yaml_depth_max)).root);
  CHECK_FALSE(parse(nested(yaml_depth_max + 1)).root);
}

TEST_CASE("more values than a person writes are refused") {
  auto const parsed = parse("[" + repeated("a,", yaml_nodes_max) + "]\n");
  CHECK(only_rule(parsed) == "too-many-values");
}

TEST_CASE("one line of a megabyte costs no more than many short ones") {
  std::string const many = repeated("- ä\n", 150'000);
  std::string const one = "[" + repeated("ä, ", 150'000) + "]\n";
  auto const time_of_many = time_of([&] { CHECK(parse(many).root); });
  auto const time_of_one = time_of([&] { CHECK(parse(one).root); });
  CHECK(time_of_one < 20 * time_of_many);
}

TEST_CASE("reading ends after a thousand mistakes and says so") {
  auto const parsed = parse("[" + repeated("!x a, ", 2 * findings_max) + "]\n");
  CHECK_FALSE(parsed.root);
  REQUIRE(parsed.diagnostics.size() == findings_max + 1);
  CHECK(parsed.diagnostics.back().rule == "too-many-mistakes");
}

TEST_CASE("NUL, other controls and bytes that are not UTF-8 are refused at their place") {
  struct Case {
    std::string text;
    int column;
  };
  using namespace std::string_literals;
  for (Case const& c :
       {Case{"é: \0b\n"s, 4}, Case{"a: \x1b[0m\n", 4}, Case{"a: \xff\n", 4}, Case{"a: \xc0\xaf\n", 4},
        Case{"a: \xed\xa0\x80\n", 4}, Case{"a: \xf4\x90\x80\x80\n", 4}, Case{"ab: \xc3", 5},
        Case{"a: \xe2\x80\xae"
             "b\n",
             4},
        Case{"a: \x7f\n", 4}}) {
    auto const parsed = parse(c.text);
    CHECK(only_rule(parsed) == "encoding");
    CHECK(parsed.diagnostics.front().place.line == 1);
    CHECK(parsed.diagnostics.front().place.column == c.column);
  }
}

TEST_CASE("a second document is refused, an end mark is not") {
  CHECK(only_rule(parse("a: 1\n---\nb: 2\n")) == "second-document");
  CHECK(only_rule(parse("a: 1\n...\n---\n")) == "second-document");
  CHECK(parse("---\na: 1\n...\n").root);
}

TEST_CASE("nothing at all is refused as such") {
  for (std::string const text : {"", "\n\n", "# a comment\n", "---\n", "~\n", "\xef\xbb\xbf"}) {
    CAPTURE(text);
    CHECK(only_rule(parse(text)) == "empty-file");
  }
}

TEST_CASE("the parser's own words never reach a message, for they may quote a secret") {
  for (std::string const text :
       {"secret: *hunter2\n", "%YAML hunter2\n---\na: 1\n", "secret: \"\\hunter2\"\n",
        "secret: &hunter2 &hunter2 a\n", "%TAG !h! hunter2\n---\na: !h!hunter2 b\n"}) {
    CAPTURE(text);
    auto const parsed = parse(text);
    REQUIRE_FALSE(parsed.diagnostics.empty());
    for (std::string const& line : test::lines(parsed.diagnostics)) {
      CHECK(line.find("hunter2") == std::string::npos);
    }
  }
}

}  // namespace rekeyd::config
