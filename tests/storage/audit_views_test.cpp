#include "tests/storage/child.hpp"
#include "tests/storage/samples.hpp"
#include "tests/storage/scratch.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace rekeyd::storage::test {

namespace {

std::filesystem::path const source(REKEYD_SOURCE_DIR);

/// The golden text; written anew first where REKEYD_WRITE_GOLDEN asks for it.
std::string golden(std::string const& now) {
  auto const file = source / "tests/storage/golden/audit_views.txt";
  if (std::getenv("REKEYD_WRITE_GOLDEN") != nullptr) std::ofstream(file) << now;
  return read_file(file);
}

/// Each view with its columns, and every row of `full_change()` through it.
std::string print_views(SQLite::Database& database) {
  std::ostringstream out;
  SQLite::Statement views(database, "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name");
  while (views.executeStep()) {
    std::string const view = views.getColumn(0).getString();
    out << view << "\n";
    SQLite::Statement rows(database, "SELECT * FROM " + view + " ORDER BY 1, 2, 6");
    while (rows.executeStep()) {
      out << "  --\n";
      for (int i = 0; i < rows.getColumnCount(); ++i) {
        SQLite::Column const value = rows.getColumn(i);
        out << "  " << rows.getColumnName(i) << " = " << (value.isNull() ? "NULL" : value.getString())
            << "\n";
      }
    }
  }
  return out.str();
}

/// The fenced blocks of one language in a Markdown text.
std::vector<std::string> blocks(std::string const& text, std::string const& language) {
  std::vector<std::string> found;
  std::string const fence = "```" + language + "\n";
  for (std::size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
    at += fence.size();
    found.push_back(text.substr(at, text.find("```", at) - at));
  }
  return found;
}

std::string auditing_page() { return read_file(source / "docs/auditing.md"); }

}  // namespace

TEST_CASE("the audit views are what they were promised to be") {
  Scratch scratch;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  SQLite::Database database(scratch.database().string(), SQLite::OPEN_READONLY);
  std::string const now = print_views(database);
  CHECK(now == golden(now));
}

TEST_CASE("every column of every audit view is documented") {
  Scratch scratch;
  (void)open_or_fail(scratch.database());
  SQLite::Database database(scratch.database().string(), SQLite::OPEN_READONLY);
  std::string const page = auditing_page();
  SQLite::Statement views(database, "SELECT name FROM sqlite_schema WHERE type = 'view'");
  while (views.executeStep()) {
    std::string const view = views.getColumn(0).getString();
    std::size_t const start = page.find("### `" + view + "`");
    REQUIRE(start != std::string::npos);
    std::string const section = page.substr(start, page.find("\n##", start + 4) - start);
    SQLite::Statement columns(database, "SELECT name FROM pragma_table_info('" + view + "')");
    while (columns.executeStep()) {
      std::string const column = columns.getColumn(0).getString();
      INFO(view << "." << column);
      CHECK(section.find("| `" + column + "` |") != std::string::npos);
    }
  }
}

TEST_CASE("the example queries of the auditor's page run and find something") {
  Scratch scratch;
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
  SQLite::Database database(scratch.database().string(), SQLite::OPEN_READONLY);
  auto const queries = blocks(auditing_page(), "sql");
  CHECK(queries.size() >= 10);
  for (std::string const& query : queries) {
    INFO(query);
    SQLite::Statement statement(database, query);
    CHECK(statement.executeStep());
  }
}

TEST_CASE("the verifier printed in the auditor's page agrees with ours") {
  if (run_program({"python3", "--version"}).status != 0) {
    WARN("skipped: there is no python3");
    return;
  }
  Scratch scratch;
  Change change = full_change();
  Dice dice(7);
  for (int i = 0; i < 30; ++i) change.events.push_back(dice.event(ledger()));
  std::string head;
  {
    auto const store = open_or_fail(scratch.database());
    commit_or_fail(*store, change);
    head = store->history_head().value().hash;
  }
  auto const programs = blocks(auditing_page(), "python");
  REQUIRE(programs.size() == 1);
  auto const program = scratch.folder() / "verify_history.py";
  write_file(program, programs[0]);
  Output const said = run_program({"python3", program.string(), scratch.database().string()});
  INFO(said.err);
  CHECK(said.status == 0);
  CHECK(said.out == "34 events, head " + head + "\n");
}

}  // namespace rekeyd::storage::test
