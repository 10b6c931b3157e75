#include "tests/config/texts.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <set>

/// tests/config/corpus: files named policies-*.yaml and settings-*.yaml. Those in good/ load without a word,
/// those in bad/ give exactly the lines of the .expected file beside them. After a change of words on
/// purpose, run with REKEYD_WRITE_EXPECTED=1 and read the difference before committing it.
namespace rekeyd::config {

namespace {

namespace fs = std::filesystem;

struct Outcome {
  bool loaded{};
  std::vector<Diagnostic> diagnostics;
};

Outcome load(fs::path const& file) {
  std::string const name = file.filename().string();
  std::string const text = test::read(file);
  if (name.starts_with("policies-")) {
    auto const loaded = parse_policies(text, name);
    return {loaded.value.has_value(), loaded.diagnostics};
  }
  auto const loaded = parse_settings(text, name, "/etc/rekeyd", test::no_environment());
  return {loaded.value.has_value(), loaded.diagnostics};
}

std::vector<fs::path> corpus(std::string const& folder) {
  std::vector<fs::path> files;
  for (auto const& entry :
       fs::directory_iterator(fs::path(REKEYD_SOURCE_DIR) / "tests/config/corpus" / folder)) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::string text_of(Outcome const& outcome) {
  std::string text;
  for (std::string const& line : test::lines(outcome.diagnostics)) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("every good file of the corpus loads without a word") {
  auto const files = corpus("good");
  REQUIRE(files.size() >= 10);
  for (fs::path const& file : files) {
    CAPTURE(file.filename().string());
    Outcome const outcome = load(file);
    CHECK(text_of(outcome).empty());
    CHECK(outcome.loaded);
  }
}

TEST_CASE("every bad file of the corpus gives exactly the diagnostics written beside it") {
  bool const write = std::getenv("REKEYD_WRITE_EXPECTED") != nullptr;
  auto const files = corpus("bad");
  REQUIRE(files.size() >= 100);
  for (fs::path const& file : files) {
    CAPTURE(file.filename().string());
    Outcome const outcome = load(file);
    CHECK_FALSE(outcome.diagnostics.empty());
    CHECK(outcome.loaded != has_errors(outcome.diagnostics));
    fs::path expected = file;
    expected.replace_extension(".expected");
    if (write) test::write(expected, text_of(outcome));
    CHECK(text_of(outcome) == test::read(expected));
  }
}

TEST_CASE("no diagnostic of the corpus repeats a secret") {
  std::size_t with_secret = 0;
  for (fs::path const& file : corpus("bad")) {
    if (test::read(file).find("hunter2") == std::string::npos) continue;
    ++with_secret;
    CAPTURE(file.filename().string());
    CHECK(text_of(load(file)).find("hunter2") == std::string::npos);
  }
  CHECK(with_secret >= 8);
}

TEST_CASE("every diagnostic of the corpus has a place in its file, a rule and a sentence") {
  for (fs::path const& file : corpus("bad")) {
    CAPTURE(file.filename().string());
    std::string const text = test::read(file);
    auto const line_count = std::ranges::count(text, '\n') + 1;
    for (Diagnostic const& diagnostic : load(file).diagnostics) {
      CAPTURE(to_text(diagnostic));
      CHECK(diagnostic.place.file == file.filename().string());
      CHECK(diagnostic.place.line <= line_count);
      CHECK((diagnostic.place.line == 0) == (diagnostic.place.column == 0));
      CHECK_FALSE(diagnostic.rule.empty());
      CHECK_FALSE(diagnostic.message.empty());
    }
  }
}

}  // namespace rekeyd::config
