// rekeyctl rehearse, as a person runs it.
#include "storage/sqlite_store.hpp"
#include "tests/daemon/child_process.hpp"
#include "tests/daemon/rekeyctl/golden_file.hpp"
#include "tests/rehearsal/rehearsal_json.hpp"
#include "tests/rehearsal/small_fleet.hpp"

#include <SQLiteCpp/Database.h>
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

Instant at(char const* text) { return parse_rfc3339(text).value(); }

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

KeyRef const orders{ProviderName("ibm-prod"), VaultName("kp-main"),
                    KeyId("0b0b0b0b-0000-4000-8000-000000001001")};
KeyRef const master{ProviderName("hsm-prod"), VaultName("treasury-hsm"), KeyId("cmk-master")};

json::object document(Ended const& ended) {
  INFO(ended.err);
  json::value const parsed = json::parse(ended.out);
  return parsed.as_object();
}

std::string name_of(json::value const& entry) { return std::string(entry.at("name").as_string()); }

/// Something of everything that a rehearsal can find.
json::object sample_rehearsal() {
  using namespace rekeyd::rehearsal;
  Programme programme{.database = "/var/lib/rekeyd/rekeyd.db", .policies = "/etc/rekeyd/policies.d"};
  programme.from = at("2026-11-22T00:00:00Z");
  programme.until = at("2027-01-22T00:00:00Z");
  programme.months = 2;
  programme.seed = 4711;
  programme.faults = Faults::hostile;
  programme.deks_known = 20'000;
  programme.deks_modelled = 10'000;
  programme.notes = {"10000 of 20000 wrapped DEKs are in the model"};
  Findings findings;
  Rotation rotation;
  rotation.id = RotationId("6be8cf46-536c-42b2-8dbd-6ef9798f138c");
  rotation.key = orders;
  rotation.policy = PolicyName("ibm");
  rotation.due = rotation.opened = at("2026-12-31T00:17:20Z");
  rotation.ended = at("2026-12-31T01:17:20Z");
  rotation.state = RotationState::done;
  rotation.step = Step::verify;
  findings.rotations = {{.rotation = rotation, .name = "crk-orders", .deks = 15, .times_blocked = 1}};
  rotation.id = RotationId("fbac2876-9ce2-459c-844b-6e5fa6c63b52");
  rotation.key = master;
  rotation.trigger = Trigger::drift;
  rotation.ended.reset();
  rotation.state = RotationState::blocked;
  rotation.step = Step::propagate;
  rotation.message = "1 wrapped DEK was refused";
  findings.rotations.push_back({.rotation = rotation, .name = "cmk-master", .times_blocked = 1});
  findings.waits = {{WaitsFor::quota, "rotations_per_hour", "60 rotations began within the hour", 12,
                     programme.from, at("2026-11-22T05:00:00Z"), std::chrono::hours(5)}};
  Hold hold;
  hold.kind = HoldKind::too_many_due;
  hold.placed = programme.from;
  hold.sentence = "this edit of the policies makes 21 of 30 keys due at once";
  hold.released = at("2026-11-23T00:00:00Z");
  hold.released_by = "the operator of the rehearsal";
  findings.holds = {{hold, false}};
  findings.providers = {{"hsm-prod", "azure-managed-hsm", 2, 1407, 3, 2, 1}};
  findings.troubles = {
      {TroubleKind::blocked, master.text(), "cmk-master", at("2026-12-31T00:17:21Z"), "deks_refused",
       "1 wrapped DEK was refused", "look at its file"},
      {TroubleKind::overdue, "ibm-prod/kp-main/1", "crk\x1b[2J", std::nullopt, "", "late", ""}};
  findings.keys = 30;
  findings.crashes = 1;
  findings.faults = 99;
  return to_json(programme, findings);
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

TEST_CASE("what a rehearsal found is told as a table and as JSON, held by golden files",
          "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fs::create_directory(fleet.path() / "beside");
  fs::copy_file(REKEYCTL, fleet.path() / "beside/rekeyctl");
  fs::path const document = fleet.write("document", json::serialize(sample_rehearsal()) + "\n");
  fs::path const program =
      fleet.write("beside/rekeyd-rehearse", "#!/bin/sh\ncat " + document.string() + "\n");
  fs::permissions(program, fs::perms::owner_all);
  auto const told = [&](char const* format) {
    return run_child(
        {fleet.path() / "beside/rekeyctl", "rehearse", "--config", fleet.config(), "-o", format});
  };
  Ended const table = told("table");
  CHECK(table.exit == 4);
  CHECK(table.out == golden("rehearse.txt", table.out));
  CHECK(table.err ==
        "rekeyctl: 2 rotations in 2 months, at most 2 on one day (2026-12-31), 15 wrapped DEKs moved; ended "
        "with 1 "
        "key blocked and 1 overdue; again: --months 2 --from 2026-11-22T00:00:00Z --faults hostile --seed "
        "4711\n");
  Ended const data = told("json");
  CHECK(data.exit == 4);
  CHECK(data.err.empty());
  CHECK(data.out == golden("rehearse.json", data.out));
}

TEST_CASE("a rehearsal of every kind of key tells what will rotate, and what will not",
          "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fleet.write_deks(orders, 5);
  fleet.write_deks(master, 3);
  Ended const ended = rehearse_again(fleet, {"-o", "json"});
  CHECK(ended.exit == 4);  // Some kinds of key cannot be rotated.
  json::object const told = document(ended);
  std::multimap<std::string, std::string> days;
  for (json::value const& rotation : told.at("rotations").as_array()) {
    CHECK(rotation.at("state") == "done");
    days.emplace(name_of(rotation), std::string(rotation.at("began").as_string()).substr(0, 10));
  }
  CHECK(days == std::multimap<std::string, std::string>{{"cmk-cards", "2026-12-10"},
                                                        {"cmk-ledger", "2026-12-30"},
                                                        {"cmk-master", "2026-11-30"},
                                                        {"cmk-master", "2026-12-31"},
                                                        {"cmk-master", "2027-01-31"},
                                                        {"cmk-master", "2027-02-28"},
                                                        {"cmk-rotates-itself", "2027-01-30"},
                                                        {"cmk-vm", "2027-02-28"},
                                                        {"cmk-worn-out", "2026-11-22"},
                                                        {"cmk-worn-out", "2026-12-22"},
                                                        {"cmk-worn-out", "2027-01-22"},
                                                        {"cmk-worn-out", "2027-02-22"},
                                                        {"crk-cards", "2027-03-12"},
                                                        {"crk-deactivated", "2026-12-20"},
                                                        {"crk-orders", "2026-12-31"},
                                                        {"crk-rotates-itself", "2027-02-04"},
                                                        {"crk-vault", "2027-01-14"},
                                                        {"sign-ec", "2027-02-01"}});
  std::multimap<std::string, std::string> troubles;
  for (json::value const& trouble : told.at("troubles").as_array()) {
    std::string const kind(trouble.at("kind").as_string());
    troubles.emplace(
        kind, kind == "policy_unused" ? std::string(trouble.at("subject").as_string()) : name_of(trouble));
  }
  CHECK(troubles == std::multimap<std::string, std::string>{{"blocked", "cmk-expired"},
                                                            {"blocked", "crk-imported"},
                                                            {"blocked", "crk-suspended"},
                                                            {"blocked", "cmk-rotates-itself"},
                                                            {"blocked", "crk-rotates-itself"},
                                                            {"blocked", "cmk-disabled"},
                                                            {"blocked", "cmk-imported"},
                                                            {"drift", "cmk-rotates-itself"},
                                                            {"drift", "crk-rotates-itself"},
                                                            {"policy_unused", "unscheduled"},
                                                            {"versions", "cmk-worn-out"}});
  CHECK(told.at("wdeks") == 8);
  CHECK(told.at("summary").at("wdeks_moved") == 5 + 4 * 3);
  CHECK(told.at("notes").as_array().empty());
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

TEST_CASE("an installed rekeyctl finds the program where the installation put it", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fs::create_directories(fleet.path() / "usr/bin");
  fs::copy_file(REKEYCTL, fleet.path() / "usr/bin/rekeyctl");
  fs::path const program =
      fleet.write("usr/libexec/rekeyd/rekeyd-rehearse", "#!/bin/sh\necho found >&2; exit 1\n");
  fs::permissions(program, fs::perms::owner_all);
  Ended const ended = run_child({fleet.path() / "usr/bin/rekeyctl", "rehearse", "--config", fleet.config()});
  CHECK(ended.exit == 1);
  CHECK(ended.err == "found\n");
}

TEST_CASE("on another machine an edit is rehearsed without the policies in force", "[rehearsal][rekeyctl]") {
  SmallFleet const fleet;
  fleet.write("edited/all.yaml",
              "version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: 12 months }\n");
  fs::remove_all(fleet.policies());
  CHECK(rehearse_again(fleet).exit == 1);
  json::object const told =
      document(rehearse_again(fleet, {"--policies", fleet.path() / "edited", "-o", "json"}));
  CHECK(!told.at("rotations").as_array().empty());
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
