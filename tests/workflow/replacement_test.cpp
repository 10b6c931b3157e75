// Another key takes a key's place: everything that depends on it moves there, across providers if need be.
#include "providers/dek/envelope.hpp"
#include "tests/workflow/azure_world.hpp"
#include "tests/workflow/behind_our_back.hpp"
#include "tests/workflow/confidential_world.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace rekeyd {
namespace {

using namespace std::chrono_literals;
using test::disks_key;
using test::disks_world;
using test::hsm_key;
using test::ibm_key;
using test::LivingDaemon;
using test::machines_key;
using test::settle;
using test::small_world;
using test::vault_key;

constexpr char const* fresh_vault_key = "azure-prod/payments-eu/cmk-fresh";
constexpr char const* fresh_ibm_key = "ibm-prod/kp-main/0b0b0b0b-0000-4000-8000-000000000102";

storage::StoredKey stored(LivingDaemon& life, std::string const& key) {
  return life.store().key(*KeyRef::parse(key)).value().value();
}

Rotation newest(LivingDaemon& life, std::string const& key) {
  return life.store().rotations(*KeyRef::parse(key), 1).value().at(0);
}

Result<daemon::RotateAnswer> ask(LivingDaemon& life, std::string const& key, std::string const& by) {
  return life.daemon().replace({.key = key, .by = by, .reason = "a backup was stolen"}, "uid 1000 (anna)");
}

/// Why the daemon does not begin with a successor that it has to make; empty: it does.
std::string refusal_to_make(LivingDaemon& life, std::string const& key, std::string const& wanted) {
  auto const answer = life.daemon().replace({.key = key, .create = wanted, .reason = "a backup was stolen"},
                                            "uid 1000 (anna)");
  return answer ? std::string() : to_text(answer.error());
}

/// Why the daemon does not begin; empty: it does.
std::string refusal(LivingDaemon& life, std::string const& key, std::string const& by) {
  auto const answer = ask(life, key, by);
  return answer ? std::string() : to_text(answer.error());
}

bool is_replaced(LivingDaemon& life, std::string const& key) {
  return life.verdict(key).reason == "replaced" && stored(life, key).replaced.has_value();
}

std::size_t wrapped_by(LivingDaemon& life, std::string const& key) {
  std::size_t count = 0;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(life.folder() / "deks")) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    std::ostringstream text;
    text << file.rdbuf();
    auto const envelope = providers::read_envelope(text.str());
    REQUIRE(envelope);
    if (envelope->dek.key.text() == key) ++count;
  }
  return count;
}

TEST_CASE("wrapped DEKs move to the successor, at the same provider or at another") {
  std::string const successor = GENERATE(fresh_vault_key, hsm_key, fresh_ibm_key);
  LivingDaemon life(small_world());
  settle(life);
  std::size_t const there_before = wrapped_by(life, successor);
  REQUIRE(refusal(life, vault_key, successor).empty());
  REQUIRE(life.run_until([&] { return is_replaced(life, vault_key); }));
  test::require_deks_on_current_versions(life);
  CHECK(wrapped_by(life, vault_key) == 0);
  CHECK(wrapped_by(life, successor) == there_before + 3);
  Rotation const rotation = newest(life, vault_key);
  CHECK(rotation.state == RotationState::done);
  CHECK(rotation.trigger == Trigger::replacement);
  CHECK(rotation.new_version == stored(life, successor).key.current);
  CHECK(stored(life, vault_key).replaced->by.text() == successor);
  auto const told = life.events(EventKind::key_replaced);
  REQUIRE(told.size() == 1);
  CHECK(told[0].event.details.at("successor") == successor);
  CHECK(life.store().previous_deks(*KeyRef::parse(vault_key)).value().size() >= 3);
  CHECK(life.verdict(vault_key).reason == "replaced");
  CHECK(life.verdict(vault_key).sentence.find(successor) != std::string::npos);
}

TEST_CASE("a key that was replaced is not rotated any more, by the calendar or on request") {
  LivingDaemon life(small_world());
  settle(life);
  REQUIRE(refusal(life, vault_key, fresh_vault_key).empty());
  REQUIRE(life.run_until([&] { return is_replaced(life, vault_key); }));
  auto const versions = stored(life, vault_key).versions.size();
  CHECK_FALSE(life.daemon().rotate({.key = vault_key, .reason = "leaver"}, "uid 1000 (anna)", 1000));
  CHECK_FALSE(life.verdict(vault_key).due);
  auto const plan = life.daemon().plan(life.daemon().now() + test::days(700));
  CHECK(std::ranges::count(plan.entries, *KeyRef::parse(vault_key), &daemon::PlanEntry::key) == 0);
  CHECK(std::ranges::count(plan.entries, *KeyRef::parse(fresh_vault_key), &daemon::PlanEntry::key) > 0);
  life.run_for(test::days(200));
  CHECK(stored(life, vault_key).versions.size() == versions);
  CHECK(is_replaced(life, vault_key));
  life.stop();
  life.start();
  CHECK(life.verdict(vault_key).reason == "replaced");
  test::require_deks_on_current_versions(life);
}

TEST_CASE("somebody who rotates the replaced key gives it nothing to do") {
  LivingDaemon life(small_world());
  settle(life);
  REQUIRE(refusal(life, vault_key, fresh_vault_key).empty());
  REQUIRE(life.run_until([&] { return is_replaced(life, vault_key); }));
  std::size_t const rotations = test::opened(life);
  test::act_at_azure(life, "POST", "payments-eu.vault.azure.net", "/keys/cmk-ledger/rotate");
  life.run_for(test::days(1));
  CHECK(test::opened(life) == rotations);
  CHECK(is_replaced(life, vault_key));
}

TEST_CASE("a replaced key that takes a place itself is in use again") {
  LivingDaemon life(small_world());
  settle(life);
  REQUIRE(refusal(life, vault_key, fresh_vault_key).empty());
  REQUIRE(life.run_until([&] { return is_replaced(life, vault_key); }));
  REQUIRE(refusal(life, fresh_vault_key, vault_key).empty());
  CHECK(is_replaced(life, vault_key));
  REQUIRE(life.run_until([&] { return !is_replaced(life, vault_key); }));
  REQUIRE(life.run_until([&] { return is_replaced(life, fresh_vault_key); }));
  CHECK(life.verdict(vault_key).status == KeyStatus::ready);
  CHECK(wrapped_by(life, vault_key) == 3);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a replaced key that is unfit to take a place stays replaced") {
  LivingDaemon life(small_world());
  settle(life);
  REQUIRE(refusal(life, vault_key, fresh_vault_key).empty());
  REQUIRE(life.run_until([&] { return is_replaced(life, vault_key); }));
  std::string const current = test::current_version(life, vault_key);
  test::act_at_azure(life, "PATCH", "payments-eu.vault.azure.net", "/keys/cmk-ledger/" + current,
                     R"({"attributes":{"enabled":false}})");
  REQUIRE(refusal(life, fresh_vault_key, vault_key).empty());
  REQUIRE(life.run_until(
      [&] { return newest(life, fresh_vault_key).blocked_reason == "successor_unfit" && life.settled(); }));
  REQUIRE(life.daemon()
              .abandon(newest(life, fresh_vault_key).id, {"it was given up"}, "uid 1000 (anna)")
              .has_value());
  life.run_for(test::days(1));
  CHECK(is_replaced(life, vault_key));
  CHECK(life.verdict(fresh_vault_key).status == KeyStatus::ready);
}

TEST_CASE("whenever a life ends in the middle, the next brings the replacement to its end") {
  int const steps = GENERATE(range(2, 160, 5));
  LivingDaemon life(small_world());
  settle(life);
  REQUIRE(refusal(life, vault_key, fresh_ibm_key).empty());
  for (int i = 0; i < steps; ++i) life.step();
  life.crash();
  life.start();
  test::require_deks_readable(life);
  REQUIRE(life.run_until([&] { return is_replaced(life, vault_key); }));
  test::require_deks_on_current_versions(life);
  CHECK(life.events(EventKind::key_replaced).size() == 1);
  life.stop();
  test::require_sound_history(life.database());
}

TEST_CASE("a successor that is rotated in the middle is followed to its newest version") {
  LivingDaemon life(small_world());
  settle(life);
  REQUIRE(refusal(life, vault_key, fresh_vault_key).empty());
  REQUIRE(life.run_until([&] { return newest(life, vault_key).step == Step::propagate; }));
  test::act_at_azure(life, "POST", "payments-eu.vault.azure.net", "/keys/cmk-fresh/rotate");
  REQUIRE(life.run_until([&] { return is_replaced(life, vault_key); }));
  life.run_for(2h);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("wrapped DEKs that the successor's provider cannot keep stay where they are, and are named") {
  LivingDaemon life(small_world());
  settle(life);
  // Key Protect's have additional authenticated data, which Azure does not know.
  REQUIRE(refusal(life, ibm_key, hsm_key).empty());
  REQUIRE(life.run_until([&] { return life.verdict(ibm_key).status == KeyStatus::blocked; }));
  CHECK(life.verdict(ibm_key).reason == "deks_refused");
  CHECK(life.verdict(ibm_key).sentence.find("additional authenticated data") != std::string::npos);
  CHECK(life.events(EventKind::dek_refused).size() == 3);
  CHECK(wrapped_by(life, ibm_key) == 3);
  test::require_deks_on_current_versions(life);
  REQUIRE(life.daemon().abandon(newest(life, ibm_key).id, {.reason = "another key"}, "uid 1000 (anna)"));
  CHECK(life.verdict(ibm_key).status == KeyStatus::ready);
}

TEST_CASE("what cannot be meant is refused before anything is begun") {
  using Catch::Matchers::Contains;
  LivingDaemon life(small_world());
  settle(life);
  CHECK_THAT(refusal(life, vault_key, vault_key), Contains("cannot take its own place"));
  CHECK_THAT(refusal(life, "nobody", vault_key), Contains("no key 'nobody' is known"));
  CHECK_THAT(refusal(life, vault_key, "nobody"), Contains("no key 'nobody' is known"));
  CHECK_THAT(refusal_to_make(life, vault_key, "nobody"), Contains("PROVIDER/VAULT/NAME"));
  CHECK_THAT(refusal_to_make(life, vault_key, "gcp/v/k"), Contains("no provider entry 'gcp'"));
  CHECK_THAT(refusal_to_make(life, vault_key, "azure-prod/other/k"),
             Contains("no vault or instance 'other'"));
  REQUIRE(refusal(life, vault_key, fresh_vault_key).empty());
  CHECK_THAT(refusal(life, vault_key, hsm_key), Contains("rotation"));
  CHECK_THAT(refusal(life, hsm_key, vault_key), Contains("rotation"));
  CHECK_THAT(refusal(life, fresh_vault_key, hsm_key), Contains("is about to take the place of"));
  CHECK(test::opened(life) == 4);
}

TEST_CASE(
    "a successor is made like the key, at the same provider or at another, and found by the inventory") {
  auto const [key, wanted] = GENERATE(std::pair{vault_key, "azure-prod/payments-eu/cmk-ledger-2"},
                                      std::pair{hsm_key, "hsm-prod/treasury-hsm/cmk-master-2"},
                                      std::pair{ibm_key, "ibm-prod/kp-main/crk-orders-2"},
                                      std::pair{vault_key, "ibm-prod/kp-main/crk-ledger"},
                                      std::pair{vault_key, "hsm-prod/treasury-hsm/cmk-ledger"},
                                      std::pair{hsm_key, "ibm-prod/kp-main/crk-master"});
  LivingDaemon life(small_world());
  settle(life);
  REQUIRE(refusal_to_make(life, key, wanted).empty());
  REQUIRE(life.run_until([&] { return is_replaced(life, key); }));
  Rotation const rotation = newest(life, key);
  std::string const successor = rotation.successor->text();
  CHECK(stored(life, key).replaced->by.text() == successor);
  CHECK(wrapped_by(life, key) == 0);
  CHECK(wrapped_by(life, successor) == 3);
  test::require_deks_on_current_versions(life);
  CHECK(stored(life, successor).key.name == WantedKey::parse(wanted)->name);
  auto const versions = life.store().versions(*rotation.successor).value();
  REQUIRE(versions.size() == 1);
  CHECK(versions[0].made_by == MadeBy::rekeyd);
  CHECK(versions[0].rotation == rotation.id);
  life.run_for(test::days(1));
  test::require_versions_told_once(life);
  CHECK(life.verdict(successor).status == KeyStatus::ready);
  CHECK(life.events(EventKind::drift).empty());
}

TEST_CASE("a create whose answer is lost makes one key, found by the id that it carries") {
  char const* const fate = GENERATE("reset-before", "reset-after");
  bool const at_ibm = GENERATE(false, true);
  LivingDaemon life(small_world());
  settle(life);
  std::size_t const keys = test::keys_at_clouds(life).size();
  life.cloud().faults().add(at_ibm ? test::fault(fate, "us-south.kms.cloud.ibm.com", "POST", "/api/v2/keys")
                                   : test::fault(fate, "payments-eu.vault.azure.net", "POST", "*/create"));
  std::string const wanted = at_ibm ? "ibm-prod/kp-main/crk-ledger" : "azure-prod/payments-eu/cmk-ledger-2";
  REQUIRE(refusal_to_make(life, vault_key, wanted).empty());
  REQUIRE(life.run_until([&] { return is_replaced(life, vault_key); }));
  auto const now = test::keys_at_clouds(life);
  CHECK(now.size() == keys + 1);
  CHECK(now.at(newest(life, vault_key).successor->text()).versions.size() == 1);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("whenever a life ends in the middle of making a successor, there is one in the end") {
  int const steps = GENERATE(range(2, 110, 6));
  bool const at_ibm = GENERATE(false, true);
  LivingDaemon life(small_world());
  settle(life);
  std::size_t const keys = test::keys_at_clouds(life).size();
  std::string const wanted = at_ibm ? "ibm-prod/kp-main/crk-ledger" : "azure-prod/payments-eu/cmk-ledger-2";
  REQUIRE(refusal_to_make(life, vault_key, wanted).empty());
  for (int i = 0; i < steps; ++i) life.step();
  life.crash();
  life.start();
  REQUIRE(life.run_until([&] { return is_replaced(life, vault_key); }));
  auto const now = test::keys_at_clouds(life);
  CHECK(now.size() == keys + 1);
  CHECK(now.at(newest(life, vault_key).successor->text()).versions.size() == 1);
  test::require_deks_on_current_versions(life);
  life.stop();
  test::require_sound_history(life.database());
}

TEST_CASE("a name that is taken, by a living key or a deleted one, blocks before anything is made") {
  LivingDaemon life(small_world());
  settle(life);
  REQUIRE(refusal_to_make(life, vault_key, "azure-prod/payments-eu/cmk-fresh").empty());
  REQUIRE(life.run_until([&] { return life.verdict(vault_key).status == KeyStatus::blocked; }));
  CHECK(life.verdict(vault_key).sentence.find("is there already") != std::string::npos);
  CHECK(newest(life, vault_key).step == Step::preflight);
  CHECK(wrapped_by(life, vault_key) == 3);
}

TEST_CASE("a key in an HSM is not replaced by one in software") {
  LivingDaemon life(small_world());
  settle(life);
  REQUIRE(refusal(life, hsm_key, fresh_vault_key).empty());
  REQUIRE(life.run_until([&] { return life.verdict(hsm_key).status == KeyStatus::blocked; }));
  CHECK(life.verdict(hsm_key).reason == "successor_unfit");
  CHECK(wrapped_by(life, hsm_key) == 3);
}

TEST_CASE("disk encryption sets are told the successor, also those that follow their own key") {
  LivingDaemon life(disks_world(R"(- { name: pinned, key: payments-eu/cmk-disks }
- { name: follower, key: payments-eu/cmk-disks, rotation_to_latest: true }
)"));
  life.start();
  REQUIRE(life.run_until([&] { return test::done(life) == 1 && life.settled(); }));
  REQUIRE(refusal(life, disks_key, fresh_vault_key).empty());
  REQUIRE(life.run_until([&] { return is_replaced(life, disks_key); }));
  for (char const* const name : {"pinned", "follower"}) {
    sim::DesTruth const set = test::set_truth(life, name);
    CHECK(set.complete);
    CHECK(set.active_key.find("/keys/cmk-fresh/") != std::string::npos);
    CHECK(test::on_record(life, name).key.text() == fresh_vault_key);
  }
  CHECK(life.store().registrations(*KeyRef::parse(disks_key)).value().empty());
  life.run_for(test::days(2));
  CHECK(life.events(EventKind::drift).empty());
  CHECK(test::on_record(life, "pinned").version == stored(life, fresh_vault_key).key.current);
}

TEST_CASE("nothing moves to a key that the resources cannot use") {
  LivingDaemon::Files files = disks_world("- { name: pinned, key: payments-eu/cmk-disks }");
  std::string const ibm = small_world().world_text;
  files.world_text += ibm.substr(ibm.find("ibm:\n"));
  std::string const providers = small_world().settings;
  auto const entry = providers.find("  - name: ibm-prod");
  files.settings += providers.substr(entry, providers.find("dek_stores:") - entry);
  LivingDaemon life(files);
  life.start();
  REQUIRE(life.run_until([&] { return test::done(life) >= 1 && life.settled(); }));
  REQUIRE(refusal(life, disks_key, fresh_ibm_key).empty());
  REQUIRE(life.run_until([&] { return life.verdict(disks_key).status == KeyStatus::blocked; }));
  CHECK(life.verdict(disks_key).reason == "successor_unfit");
  CHECK(life.verdict(disks_key).sentence.find(test::set_id("pinned")) != std::string::npos);
  CHECK(newest(life, disks_key).step == Step::preflight);
}

TEST_CASE("a set that stays partly on the replaced key is seen to its end") {
  LivingDaemon life(disks_world("- { name: pinned, key: payments-eu/cmk-disks }"));
  life.start();
  REQUIRE(life.run_until([&] { return test::done(life) == 1 && life.settled(); }));
  test::people(life, "/disk-encryption-sets",
               fmt::format(R"({{"id":"{}","act":"partial","times":2}})", test::set_id("pinned")));
  REQUIRE(refusal(life, disks_key, fresh_vault_key).empty());
  REQUIRE(life.run_until([&] { return is_replaced(life, disks_key); }));
  CHECK(test::set_truth(life, "pinned").previous_keys.empty());
  CHECK(test::set_truth(life, "pinned").active_key.find("/keys/cmk-fresh/") != std::string::npos);
}

TEST_CASE("nothing is stopped for a successor from which no confidential machine would start") {
  LivingDaemon life(test::confidential_world());
  life.start();
  REQUIRE(life.run_until([&] { return test::done(life) == 1 && life.settled(); }));
  std::size_t const stopped = life.events(EventKind::machine_stopped).size();
  REQUIRE(refusal(life, machines_key, "azure-prod/machines-eu/cmk-hsm").empty());
  REQUIRE(life.run_until([&] { return life.verdict(machines_key).status == KeyStatus::blocked; }));
  CHECK(life.verdict(machines_key).reason == "version_cannot_start_machines");
  CHECK(life.events(EventKind::machine_stopped).size() == stopped);
  test::require_machines_as_they_were(life);
}

TEST_CASE("confidential machines are stopped for their set's new key and started again") {
  LivingDaemon life(test::confidential_world());
  life.start();
  REQUIRE(life.run_until([&] { return test::done(life) == 1 && life.settled(); }));
  REQUIRE(refusal(life, machines_key, "azure-prod/machines-eu/cmk-cvm-2").empty());
  REQUIRE(life.run_until([&] { return is_replaced(life, machines_key); }));
  CHECK(test::set_truth(life, "des").active_key.find("/keys/cmk-cvm-2/") != std::string::npos);
  CHECK(life.events(EventKind::machine_stopped).size() == 8);
  test::require_machines_as_they_were(life);
}

TEST_CASE("all versions of a replaced key go out of use when its policy says so, and nothing needs them") {
  LivingDaemon::Files files = disks_world("- { name: pinned, key: payments-eu/cmk-disks }");
  files.policies =
      "version: 1\npolicies:\n  - { name: all, match: { key: cmk-disks }, every: 6 months, spread: 0 "
      "seconds, "
      "retire: { after: 5 days, by: disabling } }\n";
  LivingDaemon life(files);
  life.start();
  REQUIRE(life.run_until([&] { return test::done(life) == 1 && life.settled(); }));
  auto const disabled = [&] {
    auto const versions = stored(life, disks_key).versions;
    return std::ranges::count(versions, false, &KeyVersion::enabled);
  };
  REQUIRE(refusal(life, disks_key, fresh_vault_key).empty());
  REQUIRE(life.run_until([&] { return is_replaced(life, disks_key); }));
  life.run_for(test::days(4));
  CHECK(stored(life, disks_key).versions.back().enabled);
  REQUIRE(life.run_until([&] { return disabled() == 3; }, test::days(3)));
  CHECK(life.verdict(disks_key).reason == "replaced");
  life.run_for(test::days(30));
  CHECK(life.verdict(disks_key).reason == "replaced");
  CHECK(test::set_truth(life, "pinned").active_key.find("/keys/cmk-fresh/") != std::string::npos);
}

}  // namespace
}  // namespace rekeyd
