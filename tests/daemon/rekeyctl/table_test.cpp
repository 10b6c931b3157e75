#include "tests/daemon/rekeyctl/operator_desk.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace rekeyd;
using namespace rekeyd::test;

namespace {

std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  std::string::size_type begin = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

}  // namespace

TEST_CASE("a table's columns stand under their headings, without trailing spaces", "[rekeyctl]") {
  OperatorDesk desk;
  auto const lines = lines_of(desk.ctl({"keys"}).out);
  REQUIRE(lines.size() == 1 + desk.service.key_reports.size());
  auto const status = lines[0].find("STATUS");
  for (std::size_t i = 1; i < lines.size(); ++i) {
    INFO(lines[i]);
    auto const word = std::string(to_text(desk.service.key_reports[i - 1].verdict.status));
    CHECK(lines[i].substr(status, word.size()) == word);
    CHECK(lines[i][status - 1] == ' ');
    CHECK(lines[i].back() != ' ');
  }
}

TEST_CASE("a table of nothing is its headings", "[rekeyctl]") {
  OperatorDesk desk;
  desk.service.key_reports.clear();
  CHECK(lines_of(desk.ctl({"keys"}).out).size() == 1);
}

TEST_CASE("letters beyond ASCII take one place each", "[rekeyctl]") {
  OperatorDesk desk;
  desk.service.key_reports.resize(2);
  desk.service.key_reports[0].name = "schl\xC3\xBCssel";
  desk.service.key_reports[1].name = "schluessel";
  auto const lines = lines_of(desk.ctl({"keys"}).out);
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].find("ready") == lines[0].find("STATUS") + 1);  // One byte more in front, same place.
  CHECK(lines[2].find("due") == lines[0].find("STATUS"));
}
