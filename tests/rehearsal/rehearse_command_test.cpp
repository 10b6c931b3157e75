// rekeyctl rehearse, as a person runs it.
#include "storage/sqlite_store.hpp"
#include "tests/daemon/child_process.hpp"
#include "tests/daemon/rekeyctl/golden_file.hpp"
#include "tests/rehearsal/small_fleet.hpp"

#include <SQLiteCpp/Database.h>
#include <boost/algorithm/string/replace.hpp>
#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

using namespace rekeyd;
using namespace rekeyd::test;
using Catch::Matchers::Contains;

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

Ended rehearse(SmallFleet const& fleet, std::vector<std::string> const& more) {
  std::vector<std::string> command{REKEYCTL, "rehearse", "--config", fleet.config()};
  command.insert(command.end(), more.begin(), more.end());
  return run_child(command);
}

/// The usual one: everything that is chance is given.
Ended rehearse_again(SmallFleet const& fleet, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"--from", "2026-11-22", "--months", "4", "--seed", "11"});
  return rehearse(fleet, more);
}

std::string anywhere(SmallFleet const& fleet, std::string const& text) {
  return boost::replace_all_copy(text, fleet.path().string(), "FOLDER");
}

KeyRef const orders{ProviderName("ibm-prod"), VaultName("kp-main"),
                    KeyId("0b0b0b0b-0000-4000-8000-000000001001")};
KeyRef const master{ProviderName("hsm-prod"), VaultName("treasury-hsm"), KeyId("cmk-master")};

json::object document(Ended const& ended) {
  INFO(ended.err);
  json::value const parsed = json::parse(ended.out);
  return parsed.as_object();
}

/// Every file below the folder with its content, but for the marks of readers beside a database.
std::map<std::string, std::string> everything_in(fs::path const& folder) {
  std::map<std::string, std::string> files;
  for (auto const& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file() || entry.path().string().ends_with("-shm")) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().string()] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

}  // namespace

TEST_CASE("a rehearsal as a table and as JSON is held by golden files", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fleet.write_deks(orders, 5);
  fleet.write_deks(master, 3);
  Ended const table = rehearse_again(fleet);
  INFO(table.err);
  CHECK(table.exit == 4);  // Some kinds of key cannot be rotated.
  std::string const told = anywhere(fleet, table.out);
  CHECK(told == golden("rehearse.txt", told));
  CHECK_THAT(table.err, Contains("--months 4 --from 2026-11-22T00:00:00Z --faults none --seed 11"));
  Ended const json = rehearse_again(fleet, {"-o", "json"});
  std::string const data = anywhere(fleet, json.out);
  CHECK(json.exit == 4);
  CHECK(data == golden("rehearse.json", data));
}

TEST_CASE("the same seed gives the same rehearsal, byte for byte, and another one another",
          "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fleet.write_deks(orders, 5);
  auto const hostile = [&](char const* seed) {
    return rehearse(fleet, {"--from", "2026-11-22", "--months", "4", "--faults", "hostile", "--seed", seed,
                            "-o", "json"});
  };
  Ended const first = hostile("23");
  json::object const told = document(first);
  CHECK(told.at("summary").at("faults").to_number<int>() > 0);
  CHECK(told.at("faults") == "hostile");
  CHECK(hostile("23").out == first.out);
  CHECK(hostile("24").out != first.out);
}

TEST_CASE("without a seed one is drawn, and told", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  Ended const ended = rehearse(fleet, {"--from", "2026-11-22", "--months", "1"});
  CHECK_THAT(ended.out, Contains(", seed "));
  CHECK_THAT(ended.err, Contains(" --seed "));
}

TEST_CASE("a rehearsal touches nothing", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fleet.write_deks(orders, 5);
  fleet.write("deks/.rekeyd-dek-1.tmp", "left by a replacement that was cut short");
  auto const before = everything_in(fleet.path());
  Ended const ended = rehearse_again(fleet, {"--faults", "usual"});
  INFO(ended.err);
  CHECK(ended.exit == 4);
  CHECK(everything_in(fleet.path()) == before);
}

TEST_CASE("a rehearsal beside a daemon that works reads what it has made durable", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  auto const working = storage::open_sqlite_store({.path = fleet.database()});
  REQUIRE(working);
  CHECK(rehearse_again(fleet).exit == 4);
}

TEST_CASE("policies that are not in force yet are rehearsed like a reload", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fleet.write("edited/all.yaml",
              "version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: 1 month }\n");
  json::object const told =
      document(rehearse_again(fleet, {"--policies", fleet.path() / "edited", "-o", "json"}));
  CHECK(std::string(told.at("policies").as_string()) == (fleet.path() / "edited").string());
  // So many keys would be due at once that the daemon holds and asks.
  json::array const& holds = told.at("holds").as_array();
  REQUIRE(holds.size() == 1);
  CHECK(holds[0].at("name") == "too_many_due:policy:all");
  CHECK(holds[0].at("placed") == "2026-11-22T00:00:00Z");
  CHECK(holds[0].at("released_by") == "the operator of the rehearsal");
  json::array const& waits = told.at("waits").as_array();
  REQUIRE(!waits.empty());
  CHECK(waits[0].at("reason") == "too_many_due");
  for (json::value const& rotation : told.at("rotations").as_array()) CHECK(rotation.at("policy") == "all");
}

TEST_CASE("mistakes in the policies end with 3 before anything is rehearsed", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fleet.write("edited/all.yaml",
              "version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, evry: 1 month }\n");
  Ended const ended = rehearse_again(fleet, {"--policies", fleet.path() / "edited"});
  CHECK(ended.exit == 3);
  CHECK_THAT(ended.out, Contains("edited/all.yaml:3:") && Contains("evry"));
  CHECK_THAT(ended.err, Contains("nothing was rehearsed"));
  Ended const json = rehearse_again(fleet, {"--policies", fleet.path() / "edited", "-o", "json"});
  CHECK(json.exit == 3);
  CHECK(document(json).at("schema") == "rekeyd.check/1");
  CHECK(rehearse_again(fleet, {"--policies", fleet.path() / "none"}).exit == 1);
}

TEST_CASE("mistakes in the configuration end with 3, and none at all with 1", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fleet.write("rekeyd.yaml", "version: 1\nprovidrs: []\n");
  Ended const ended = rehearse_again(fleet);
  CHECK(ended.exit == 3);
  CHECK_THAT(ended.out, Contains("providrs"));
  CHECK(run_child({REKEYCTL, "rehearse", "--config", fleet.path() / "none.yaml"}).exit == 1);
}

TEST_CASE("a database that is not there, damaged or of a newer rekeyd is refused with its remedy",
          "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  Ended const none = rehearse_again(fleet, {"--database", fleet.path() / "none.db"});
  CHECK(none.exit == 1);
  CHECK(none.out.empty());
  CHECK_THAT(none.err, Contains("no such file"));
  Ended const notes = rehearse_again(fleet, {"--database", fleet.write("notes.db", "just some notes")});
  CHECK(notes.exit == 1);
  CHECK_THAT(notes.err, Contains("notes.db"));
  fs::path const copy = fleet.path() / "copy.db";
  fs::copy_file(fleet.database(), copy);
  SQLite::Database(copy, SQLite::OPEN_READWRITE).exec("PRAGMA user_version = 99");
  Ended const newer = rehearse_again(fleet, {"--database", copy});
  CHECK(newer.exit == 1);
  CHECK_THAT(newer.err, Contains("schema version 99"));
}

TEST_CASE("a rehearsal cannot begin before what the database knows", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  Ended const ended = rehearse(fleet, {"--from", "2026-11-19"});
  CHECK(ended.exit == 1);
  CHECK_THAT(ended.err, Contains("2026-11-20T00:00:00Z") && Contains("begin later"));
}

TEST_CASE("a rehearsal that is asked for wrongly ends with 64", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  for (std::vector<std::string> const& wrong : std::vector<std::vector<std::string>>{{"--months", "0"},
                                                                                     {"--months", "121"},
                                                                                     {"--months", "many"},
                                                                                     {"--months", "-3"},
                                                                                     {"--faults", "some"},
                                                                                     {"--seed", "blue"},
                                                                                     {"--seed", "-1"},
                                                                                     {"--from", "tomorrow"},
                                                                                     {"-o", "csv"},
                                                                                     {"24"}}) {
    CAPTURE(wrong);
    Ended const ended = rehearse(fleet, wrong);
    CHECK(ended.exit == 64);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, Contains("rekeyctl rehearse --help"));
  }
}

TEST_CASE("where the program of the rehearsal is not installed, rekeyctl says so", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fs::path const alone = fleet.path() / "alone";
  fs::create_directory(alone);
  fs::copy_file(REKEYCTL, alone / "rekeyctl");
  Ended const ended = run_child({alone / "rekeyctl", "rehearse", "--config", fleet.config()});
  CHECK(ended.exit == 1);
  CHECK_THAT(ended.err, Contains("not_installed") && Contains("REKEYD_TESTS"));
}

TEST_CASE("a program of another version is not believed", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fs::path const beside = fleet.path() / "beside";
  fs::create_directory(beside);
  fs::copy_file(REKEYCTL, beside / "rekeyctl");
  for (auto const& [script, words] :
       {std::pair("echo '{\"schema\": \"rekeyd.rehearsal/2\"}'", "another version"),
        std::pair("echo nonsense", "another version"), std::pair("kill -9 $$", "signal 9")}) {
    fs::path const program =
        fleet.write("beside/rekeyd-rehearse", std::string("#!/bin/sh\n") + script + "\n");
    fs::permissions(program, fs::perms::owner_all);
    Ended const ended = run_child({beside / "rekeyctl", "rehearse", "--config", fleet.config()});
    CHECK(ended.exit == 1);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, Contains(words));
  }
}
