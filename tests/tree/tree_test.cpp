// The rules of the house that a compiler does not keep. Each failure says what to write instead.
#include "tests/tree/await_shapes.hpp"
#include "tests/tree/source_tree.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <regex>
#include <set>

using namespace rekeyd::tree;

namespace {

using Texts = std::set<std::string>;

std::string folder_of(std::string const& path) { return path.substr(0, path.find('/')); }

// Every line of the file in which the pattern is found.
std::vector<std::size_t> lines_with(std::string const& text, std::regex const& pattern) {
  std::vector<std::size_t> lines;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), pattern); at != std::sregex_iterator(); ++at)
    lines.push_back(line_of(text, static_cast<std::size_t>(at->position())));
  return lines;
}

std::vector<std::string> own_includes(std::string const& text) {
  static std::regex const include(R"re(#\s*include\s*"([^"]+)")re");
  std::vector<std::string> found;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), include); at != std::sregex_iterator(); ++at)
    found.push_back((*at)[1]);
  return found;
}

void complain(std::string const& path, std::size_t line, std::string const& text) {
  FAIL_CHECK(path << ":" << line << ": " << text);
}

// What a floor may include besides itself.
std::map<std::string, Texts> const arrows{
    {"policy", {}},
    {"config", {"policy"}},
    {"storage", {"policy"}},
    {"providers", {"policy"}},
    {"daemon", {"policy", "config", "storage", "providers"}},
};

bool allowed_include(std::string const& from, std::string const& to) {
  auto const rule = arrows.find(from);
  return rule == arrows.end() || from == to || rule->second.contains(to);
}

bool names_nothing(std::string path) {
  // The field's own names: Azure Resource Manager, systemd the service manager.
  static std::regex const proper("(resource|service)_manager");
  path = std::regex_replace(path, proper, "");
  static std::regex const vague("(^|[/_.-])(utils?|common|managers?|helpers?|misc)([/_.-]|$)");
  return std::regex_search(path, vague);
}

// The names of a file's test cases: what stands quoted after TEST_CASE(, its adjoining pieces joined.
std::vector<std::pair<std::size_t, std::string>> test_names(std::string const& text) {
  static std::regex const test_case(
      R"re(\b\w*TEST_CASE\w*\s*\(\s*(?:\w+\s*,\s*)?((?:"(?:[^"\\]|\\.)*"\s*)+))re");
  static std::regex const between_pieces(R"re("\s*")re");
  std::vector<std::pair<std::size_t, std::string>> names;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), test_case); at != std::sregex_iterator();
       ++at) {
    auto const quoted = std::regex_replace((*at)[1].str(), between_pieces, "");
    auto const name = quoted.substr(1, quoted.rfind('"') - 1);
    names.emplace_back(line_of(text, static_cast<std::size_t>(at->position())), name);
  }
  return names;
}

// CTest keeps its tests in a list that ';' separates: of "one; two" it runs "one", which Catch2 does not
// know, and nothing run is a pass. '[' begins a tag to Catch2, and what it escapes is '\\'.
std::string what_breaks(std::string const& name) {
  auto const found = name.find_first_of(";[]\\");
  return found == std::string::npos ? "" : name.substr(found, 1);
}

}  // namespace

TEST_CASE("the tree that is checked is there") {
  CHECK(source_files().size() > 50);
  CHECK(std::ranges::count(all_paths(), "policy/error.hpp") == 1);
}

TEST_CASE("no co_await stands in a shape that GCC 12 miscompiles") {
  for (auto const& file : source_files()) {
    for (auto const& risky : find_risky_awaits(code_of(file.text)))
      complain(file.path, risky.line, risky.shape + "; make it on the line before, await on its own");
  }
}

TEST_CASE("clocks are read and numbers drawn only in providers/system") {
  std::regex const reading(
      R"(\b(system_clock|steady_clock|high_resolution_clock|utc_clock)\s*::\s*now\b|\bclock_gettime\b|\bgettimeofday\b)"
      R"(|\bstd::time\s*\(|\brandom_device\b|\bmt19937|\bdefault_random_engine\b|\bstd::s?rand\s*\(|\bRAND_bytes\b)");
  for (auto const& file : source_files()) {
    if (file.path.starts_with("providers/system/") || file.path.starts_with("tests/")) continue;
    for (auto const line : lines_with(code_of(file.text), reading))
      complain(file.path, line, "take a Clock or a Random (providers/system), so that a simulation owns it");
  }
}

TEST_CASE("the arrows between the floors go down only") {
  for (auto const& file : source_files()) {
    auto const from = folder_of(file.path);
    for (auto const& include : own_includes(file.text)) {
      auto const to = folder_of(include);
      if (!allowed_include(from, to)) complain(file.path, 1, from + " may not include " + include);
    }
  }
  CHECK(allowed_include("daemon", "storage"));
  CHECK_FALSE(allowed_include("policy", "config"));
  CHECK_FALSE(allowed_include("storage", "providers"));
  CHECK_FALSE(allowed_include("providers", "tests"));
}

TEST_CASE("includes start at the root of the tree") {
  Texts const paths(all_paths().begin(), all_paths().end());
  for (auto const& file : source_files()) {
    for (auto const& include : own_includes(file.text)) {
      if (!paths.contains(include)) complain(file.path, 1, "there is no " + include);
    }
  }
}

TEST_CASE("files are named for what they hold") {
  for (auto const& path : all_paths()) {
    if (names_nothing(path)) complain(path, 1, "name the idea that it holds");
  }
  CHECK(names_nothing("providers/http/url_utils.hpp"));
  CHECK(names_nothing("common/months.hpp"));
  CHECK(names_nothing("daemon/rotation_manager.cpp"));
  CHECK_FALSE(names_nothing("tests/simulator/azure/resource_manager.cpp"));
  CHECK_FALSE(names_nothing("policy/commonplace.hpp"));
}

TEST_CASE("every test's name is one that CTest and Catch2 find again") {
  std::size_t seen = 0;
  for (auto const& file : source_files()) {
    if (!file.path.starts_with("tests/")) continue;
    for (auto const& [line, name] : test_names(file.text)) {
      ++seen;
      auto const breaks = what_breaks(name);
      if (!breaks.empty())
        complain(file.path, line, "a test's name holds no '" + breaks + "': it would not be run");
    }
  }
  CHECK(seen > 300);
  std::string const split = std::string("TEST_") + "CASE(\"one;\"\n          \" two\") {}";
  REQUIRE(test_names(split).size() == 1);
  CHECK(what_breaks(test_names(split).front().second) == ";");
  CHECK(test_names(split).front().second == "one; two");
  CHECK(what_breaks("a list [a, b] is read") == "[");
  CHECK(what_breaks("a key's name: it's plain (1/2)").empty());
}

TEST_CASE("nobody sleeps for a while and hopes") {
  std::regex const sleeping(
      R"(\b(sleep_for|usleep|nanosleep|sleep_until\s*\(\s*std::chrono|this_thread::sleep\w*)\b)");
  for (auto const& file : source_files()) {
    for (auto const line : lines_with(code_of(file.text), sleeping))
      complain(file.path, line, "wait for the condition itself, or let a VirtualClock jump");
  }
}

TEST_CASE("Beast over TLS is instantiated in one file, and in the simulator's server") {
  std::regex const beast(R"(#\s*include\s*<boost/beast(\.hpp|/http\.hpp|/http/(read|write)\.hpp|/ssl))");
  std::regex const tls(
      R"(#\s*include\s*(<boost/(asio|beast)/ssl|"providers/http/(tls_client|connection_pool)\.hpp"))");
  std::regex const allowed(R"(providers/http/tls_transport\.cpp|tests/simulator/\w*server\.cpp)");
  for (auto const& file : source_files()) {
    bool const heavy = std::regex_search(file.text, beast) && std::regex_search(file.text, tls);
    if (heavy && !std::regex_match(file.path, allowed))
      complain(file.path, 1, "go through HttpTransport: this costs fifteen seconds of every build");
  }
}

TEST_CASE("nothing half-done is left in the tree") {
  std::regex const unfinished(R"(\b(TODO|FIXME|XXX)\b)");
  for (auto const& file : source_files()) {
    if (file.path.starts_with("tests/tree/")) continue;
    for (auto const line : lines_with(file.text, unfinished))
      complain(file.path, line, "finish it or leave it out whole");
  }
}
