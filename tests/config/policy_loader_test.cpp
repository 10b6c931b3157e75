#include "tests/config/texts.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

namespace rekeyd::config {

namespace {

using namespace std::chrono_literals;

std::string one_policy(std::string const& name, std::string const& key) {
  return "version: 1\npolicies:\n  - { name: " + name + ", match: { key: " + key + " }, every: 1 month }\n";
}

std::vector<std::string> rules(std::vector<Diagnostic> const& diagnostics) {
  std::vector<std::string> names;
  for (Diagnostic const& diagnostic : diagnostics) names.push_back(diagnostic.rule);
  return names;
}

}  // namespace

TEST_CASE("every word that we print of a policy is a word that a file may say") {
  std::string const policy = "version: 1\npolicies:\n  - { name: p, match: { key: a }, every: 1 month, ";
  for (Mode const mode : {Mode::enforce, Mode::observe, Mode::delegate}) {
    auto const loaded = parse_policies(policy + "mode: " + to_text(mode) + " }\n", "p.yaml");
    REQUIRE(loaded.value);
    CHECK(loaded.value->policies.front().mode == mode);
  }
  for (WrapBy const wrap : {WrapBy::local, WrapBy::service}) {
    auto const loaded = parse_policies(policy + "wrap: " + to_text(wrap) + " }\n", "p.yaml");
    REQUIRE(loaded.value);
    CHECK(loaded.value->policies.front().wrap == wrap);
  }
}

TEST_CASE("a policy is read as it is written") {
  auto const loaded = parse_policies(
      "version: 1\n"
      "policies:\n"
      "  - name: payments\n"
      "    match: { provider: azure-prod, vault: payments-*, key: cmk-*, tags: { tier: pci } }\n"
      "    every: 3 months\n"
      "    mode: observe\n"
      "    zone: Europe/Berlin\n"
      "    spread: 90 minutes\n"
      "    wrap: service\n"
      "    keys:\n"
      "      - { key: cmk-ledger, every: 1 month, mode: enforce }\n",
      "payments.yaml");
  REQUIRE(test::lines(loaded.diagnostics) == std::vector<std::string>{});
  REQUIRE(loaded.value);
  REQUIRE(loaded.value->policies.size() == 1);
  RotationPolicy const& policy = loaded.value->policies.front();
  CHECK(policy.name == PolicyName("payments"));
  CHECK(policy.match == KeySelector{"azure-prod", "payments-*", "cmk-*", {{"tier", "pci"}}});
  CHECK(policy.every.count() == 3);
  CHECK(policy.mode == Mode::observe);
  REQUIRE(policy.zone != nullptr);
  CHECK(policy.zone->name() == "Europe/Berlin");
  CHECK(policy.spread == 90min);
  CHECK(policy.wrap == WrapBy::service);
  CHECK(policy.place == SourcePlace{"payments.yaml", 3, 5});
  REQUIRE(policy.keys.size() == 1);
  CHECK(policy.keys[0].key == "cmk-ledger");
  CHECK(policy.keys[0].every == Months::of(1));
  CHECK(policy.keys[0].mode == Mode::enforce);
  CHECK(policy.keys[0].place == SourcePlace{"payments.yaml", 11, 9});
}

TEST_CASE("what a policy leaves out has its documented default") {
  auto const loaded = parse_policies(test::policy_file({"every: 1 month"}), "a.yaml");
  REQUIRE(loaded.value);
  RotationPolicy const& policy = loaded.value->policies.front();
  CHECK(policy.mode == Mode::enforce);
  CHECK(policy.spread == 1h);
  CHECK(policy.wrap == WrapBy::local);
  REQUIRE(policy.zone != nullptr);
  CHECK(policy.zone->name() == "UTC");
  CHECK_FALSE(policy.match.provider);
  CHECK_FALSE(policy.match.vault);
  CHECK(policy.keys.empty());
}

TEST_CASE("every number of months from 1 to 12 is read and no other") {
  for (int months = 0; months <= 14; ++months) {
    CAPTURE(months);
    auto const loaded =
        parse_policies(test::policy_file({"every: " + std::to_string(months) + " months"}), "a.yaml");
    CHECK(loaded.value.has_value() == (months >= 1 && months <= 12));
    if (loaded.value) CHECK(loaded.value->policies.front().every.count() == months);
  }
}

TEST_CASE("all mistakes of all files are reported at once, and the set is refused whole") {
  test::TemporaryFolder const folder;
  test::write(folder / "a.yaml", one_policy("a", "x"));
  test::write(folder / "b.yaml", "version: 1\npolicies:\n  - { name: B, match: {}, every: 13 months }\n");
  test::write(folder / "c.yml", "version: 1\npolicies: [\n");
  auto const loaded = load_policies(folder.path());
  CHECK_FALSE(loaded.value);
  CHECK(rules(loaded.diagnostics) ==
        std::vector<std::string>{"name", "empty-selector", "interval", "syntax"});
  CHECK(loaded.diagnostics.at(2).place == SourcePlace{(folder / "b.yaml").string(), 3, 34});
}

TEST_CASE("one name in two files is an error that names both places") {
  test::TemporaryFolder const folder;
  test::write(folder / "a.yaml", one_policy("same", "x"));
  test::write(folder / "b.yaml", one_policy("same", "z"));
  auto const loaded = load_policies(folder.path());
  CHECK_FALSE(loaded.value);
  REQUIRE(rules(loaded.diagnostics) == std::vector<std::string>{"duplicate-name"});
  CHECK(loaded.diagnostics[0].place == SourcePlace{(folder / "b.yaml").string(), 3, 5});
  REQUIRE(loaded.diagnostics[0].related.size() == 1);
  CHECK(loaded.diagnostics[0].related[0] == SourcePlace{(folder / "a.yaml").string(), 3, 5});
}

TEST_CASE("equal selectors in two files are an error that names both places") {
  test::TemporaryFolder const folder;
  test::write(folder / "a.yaml", one_policy("one", "cmk-*"));
  test::write(folder / "b.yaml", one_policy("two", "CMK-*"));
  auto const loaded = load_policy_files({folder / "a.yaml", folder / "b.yaml"});
  CHECK_FALSE(loaded.value);
  REQUIRE(rules(loaded.diagnostics) == std::vector<std::string>{"equal-selectors"});
  CHECK(loaded.diagnostics[0].message ==
        "the policies 'one' and 'two' claim the same keys: neither could act");
  CHECK(loaded.diagnostics[0].related.at(0).file == (folder / "a.yaml").string());
}

TEST_CASE("the digest depends on names and bytes of the files and on nothing else") {
  test::TemporaryFolder const one;
  test::TemporaryFolder const two;
  for (auto const* folder : {&one, &two}) {
    test::write(*folder / "b.yaml", one_policy("b", "z"));
    test::write(*folder / "a.yaml", one_policy("a", "x"));
  }
  auto const digest = [](test::TemporaryFolder const& folder) {
    auto const loaded = load_policies(folder.path());
    REQUIRE(loaded.value);
    return loaded.value->digest;
  };
  std::string const first = digest(one);
  CHECK(first.size() == 64);
  CHECK(digest(two) == first);
  test::write(two / "a.yaml", one_policy("a", "x") + "# a comment\n");
  CHECK(digest(two) != first);
  test::write(two / "a.yaml", one_policy("a", "x"));
  std::filesystem::rename(two / "a.yaml", two / "c.yaml");
  CHECK(digest(two) != first);
}

TEST_CASE("the digest of a known file is the one that sha256sum gives") {
  // (printf 'a.yaml\0%d\0' 24; printf 'version: 1\npolicies: []\n') | sha256sum
  auto const loaded = parse_policies("version: 1\npolicies: []\n", "a.yaml");
  REQUIRE(loaded.value);
  CHECK(loaded.value->digest == "a9109513e4863fe04c5abbc00518cea8ba204c2c69c59e5399de6d12f274d9d9");
}

TEST_CASE("files that are hidden or named otherwise are left alone, and a wrong ending is warned of") {
  test::TemporaryFolder const folder;
  test::write(folder / "a.yaml", one_policy("a", "x"));
  test::write(folder / ".#a.yaml", "not ours");
  test::write(folder / "a.yaml~", "not ours");
  test::write(folder / "README", "not ours");
  std::filesystem::create_directory(folder / "archive");
  test::write(folder / "archive/old.yaml", "not ours");
  test::write(folder / "B.YAML", "looks like ours");
  auto const loaded = load_policies(folder.path());
  REQUIRE(loaded.value);
  CHECK(loaded.value->policies.size() == 1);
  CHECK(rules(loaded.diagnostics) == std::vector<std::string>{"not-read"});
}

TEST_CASE("an empty folder is a warning, a missing one an error") {
  test::TemporaryFolder const folder;
  auto const empty = load_policies(folder.path());
  CHECK(empty.value);
  CHECK(rules(empty.diagnostics) == std::vector<std::string>{"no-policies"});
  CHECK_FALSE(has_errors(empty.diagnostics));
  auto const missing = load_policies(folder / "none");
  CHECK_FALSE(missing.value);
  REQUIRE(rules(missing.diagnostics) == std::vector<std::string>{"unreadable"});
  CHECK(missing.diagnostics[0].place.file == (folder / "none").string());
}

TEST_CASE("what cannot be read refuses the set and names the file") {
  test::TemporaryFolder const folder;
  test::write(folder / "a.yaml", one_policy("a", "x"));
  SECTION("a folder with a file's name") { std::filesystem::create_directory(folder / "b.yaml"); }
  SECTION("a link that leads nowhere") { std::filesystem::create_symlink("nowhere", folder / "b.yaml"); }
  SECTION("a pipe, without waiting for its writer") {
    REQUIRE(::mkfifo((folder / "b.yaml").c_str(), 0600) == 0);
  }
  SECTION("a device") { std::filesystem::create_symlink("/dev/zero", folder / "b.yaml"); }
  SECTION("a file without permission") {
    test::write(folder / "b.yaml", one_policy("b", "z"));
    std::filesystem::permissions(folder / "b.yaml", std::filesystem::perms::none);
    if (::geteuid() == 0) return;  // Root may read everything.
  }
  auto const loaded = load_policies(folder.path());
  CHECK_FALSE(loaded.value);
  REQUIRE(rules(loaded.diagnostics) == std::vector<std::string>{"unreadable"});
  CHECK(loaded.diagnostics[0].place.file == (folder / "b.yaml").string());
}

TEST_CASE("a file of nothing but mistakes is given up after a thousand, the other files are still read") {
  test::TemporaryFolder const folder;
  std::string text = "version: 1\npolicies:\n";
  for (int i = 0; i < 2000; ++i) text += "  - { name: A, match: { key: x }, every: 1 month }\n";
  test::write(folder / "a.yaml", text);
  test::write(folder / "b.yaml", one_policy("B", "z"));
  auto const loaded = load_policies(folder.path());
  CHECK_FALSE(loaded.value);
  REQUIRE(loaded.diagnostics.size() == 1002);
  CHECK(loaded.diagnostics[1000].rule == "too-many-mistakes");
  CHECK(loaded.diagnostics[1001].place.file == (folder / "b.yaml").string());
}

TEST_CASE("zones are offered when one is mistyped, and loaded ones work without the database") {
  auto const loaded = parse_policies(test::policy_file({"every: 1 month", "zone: Europe/Brelin"}), "a.yaml");
  REQUIRE(rules(loaded.diagnostics) == std::vector<std::string>{"zone"});
  CHECK(loaded.diagnostics[0].hint == "did you mean 'Europe/Berlin'?");
  CHECK(loaded.diagnostics[0].place == SourcePlace{"a.yaml", 6, 11});
}

TEST_CASE("an exception by a key's id is not called useless under a name's pattern that could be an id") {
  std::string const id = "{ key: 0a0a0a0a-0000-4000-8000-0000000000ff, every: 1 month }";
  auto const text = [&](std::string const& key, std::string const& exception) {
    return "version: 1\npolicies:\n  - { name: a, match: { key: \"" + key + "\" }, every: 2 months, keys: [" +
           exception + "] }\n";
  };
  CHECK(parse_policies(text("cmk-*", id), "a.yaml").diagnostics.empty());
  CHECK(parse_policies(text("*-?", "{ key: zz, every: 1 month }"), "a.yaml").diagnostics.empty());
  CHECK(rules(parse_policies(text("cmk-x", "{ key: cmk-z, every: 1 month }"), "a.yaml").diagnostics) ==
        std::vector<std::string>{"unused-override"});
  CHECK(rules(parse_policies(text("*-prod", "{ key: cmk-test, every: 1 month }"), "a.yaml").diagnostics) ==
        std::vector<std::string>{"unused-override"});
}

}  // namespace rekeyd::config
