// Keys whose material comes from outside: rotated with new material from the source that their policy names.
#include "tests/support/rsa_pem.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

namespace rekeyd {
namespace {

namespace fs = std::filesystem;
using test::LivingDaemon;

char const* const azure_key = test::vault_key;
char const* const ibm_key = test::ibm_key;

std::string replaced(std::string text, std::string const& what, std::string const& by) {
  auto const at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), by);
}

/// The small world with its overdue keys at Key Vault and Key Protect imported, and sources for them.
LivingDaemon::Files imported_world(std::string const& material = ", material: key-room") {
  LivingDaemon::Files files = test::small_world();
  files.world_text = replaced(files.world_text, "tags: { tier: pci }", "tags: { rekeyd-origin: imported }");
  files.world_text = replaced(files.world_text, "created: 8 months ago, deks: 3, aad",
                              "created: 8 months ago, imported: true, deks: 3, aad");
  files.settings += R"(material_sources:
  - { name: key-room, kind: file, folder: material }
  - { name: fresh, kind: random, bits: 256 }
)";
  files.policies =
      "version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: 6 months }\n"
      "  - { name: ibm, match: { key: crk-orders }, every: 6 months, material: fresh }\n"
      "  - { name: azure, match: { key: cmk-ledger }, every: 6 months" +
      material + " }\n";
  return files;
}

void put_material(LivingDaemon& life, std::string const& text) {
  fs::path const file = life.folder() / "material" / azure_key;
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
}

std::string bytes_of(fs::path const& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

void retry(LivingDaemon& life, std::string const& key) {
  for (auto const& report : life.daemon().keys()) {
    if (report.key.text() != key) continue;
    REQUIRE(report.rotation);
    REQUIRE(life.daemon().retry(report.rotation->id, "anna"));
  }
}

TEST_CASE("imported keys are rotated with material from their sources, and their DEKs follow") {
  LivingDaemon life(imported_world());
  put_material(life, test::rsa_pem());
  life.start();
  auto const before = test::keys_at_clouds(life);
  REQUIRE(life.run_until([&] { return life.settled(); }));
  CHECK(test::done(life) == 3);
  for (char const* key : {azure_key, ibm_key}) {
    INFO(key);
    CHECK(test::keys_at_clouds(life).at(key).versions.size() == before.at(key).versions.size() + 1);
  }
  test::require_deks_on_current_versions(life);
  auto const drawn = life.events(EventKind::material_drawn);
  REQUIRE(drawn.size() == 2);
  for (auto const& recorded : drawn) {
    bool const azure = recorded.event.key->text() == azure_key;
    CHECK(recorded.event.details.at("source") == (azure ? "key-room" : "fresh"));
    CHECK(recorded.event.details.at("source_kind") == (azure ? "file" : "random"));
    CHECK(recorded.event.details.at("fingerprint").starts_with(azure ? "spki-sha256:" : "kcv:"));
  }
  life.stop();
  test::require_sound_history(life.database());
  CHECK(bytes_of(life.database()).find("PRIVATE KEY") == std::string::npos);
  CHECK(bytes_of(life.database()).find(test::rsa_pem().substr(200, 40)) == std::string::npos);
}

TEST_CASE("status and plan tell where the material of the next version comes from") {
  LivingDaemon life(imported_world());
  put_material(life, test::rsa_pem());
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
  CHECK_THAT(life.verdict(azure_key).sentence, Catch::Contains("with material from key-room"));
  auto const plan = life.daemon().plan(life.clock().wall_now() + test::days(200));
  std::size_t told = 0;
  for (auto const& entry : plan.entries) {
    bool const imported = entry.key.text() == azure_key || entry.key.text() == ibm_key;
    CHECK(entry.why.ends_with("with material from key-room") == (entry.key.text() == azure_key));
    if (imported) ++told;
  }
  CHECK(told == 2);
}

TEST_CASE("a file that was not renewed makes no second version, and a renewed one does") {
  LivingDaemon life(imported_world());
  put_material(life, test::rsa_pem());
  test::settle(life);
  auto const versions = [&] { return test::keys_at_clouds(life).at(azure_key).versions.size(); };
  std::size_t const before = versions();
  life.run_for(test::days(200));
  CHECK(life.verdict(azure_key).status == KeyStatus::blocked);
  CHECK(life.verdict(azure_key).reason == "material_not_renewed");
  CHECK(versions() == before);
  CHECK(test::keys_at_clouds(life).at(ibm_key).versions.size() == 3);

  put_material(life, test::rsa_pem(2048, 1));
  retry(life, azure_key);
  REQUIRE(life.run_until([&] { return life.settled(); }));
  CHECK(versions() == before + 1);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("an imported key whose material is missing is blocked by name until there is some") {
  LivingDaemon life(imported_world());
  life.start();
  REQUIRE(life.run_until([&] { return life.settled(); }));
  CHECK(life.verdict(azure_key).status == KeyStatus::blocked);
  CHECK(life.verdict(azure_key).reason == "material_missing");
  CHECK(life.verdict(ibm_key).status == KeyStatus::ready);

  put_material(life, test::rsa_pem());
  retry(life, azure_key);
  REQUIRE(life.run_until([&] { return life.settled(); }));
  CHECK(test::done(life) == 3);
  CHECK(test::keys_at_clouds(life).at(azure_key).versions.size() == 3);
}

TEST_CASE("without a source an imported key is blocked before a rotation begins, on request as well") {
  LivingDaemon life(imported_world(""));
  life.start();
  REQUIRE(life.run_until([&] { return life.daemon().keys().size() == 5 && life.settled(); }));
  CHECK(life.verdict(azure_key).reason == "imported_needs_material");
  CHECK(test::opened(life) == 2);
  auto const refused = life.daemon().rotate({azure_key, "now"}, "anna", 1000);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().remedy, Catch::Contains("material: NAME"));
}

TEST_CASE("a policy that names no source of rekeyd.yaml is not brought into force") {
  LivingDaemon life(imported_world(", material: key-rom"));
  life.start();
  life.run_for(std::chrono::hours(1));
  CHECK(test::opened(life) == 0);
  auto const refused = life.events(EventKind::policies_refused);
  REQUIRE(refused.size() == 1);
  auto const again = life.daemon().reload("anna");
  REQUIRE(again);
  CHECK_FALSE(again->applied);
  REQUIRE(again->diagnostics.size() == 1);
  CHECK_THAT(again->diagnostics.front(),
             Catch::Contains("no material source 'key-rom'") && Catch::Contains("did you mean 'key-room'"));
}

TEST_CASE("a lost answer to an import is settled by reading, never by importing again") {
  auto const [kind, host, method, path] = GENERATE(table<char const*, char const*, char const*, char const*>({
      {"reset-after", "payments-eu.*", "PUT", "*/keys/cmk-ledger"},
      {"reset-before", "payments-eu.*", "PUT", "*/keys/cmk-ledger"},
      {"truncate", "payments-eu.*", "PUT", "*/keys/cmk-ledger"},
      {"html", "payments-eu.*", "PUT", "*/keys/cmk-ledger"},
      {"expired-token", "payments-eu.*", "PUT", "*/keys/cmk-ledger"},
      {"reset-after", "us-south.*", "POST", "*/actions/rotate"},
      {"reset-before", "us-south.*", "POST", "*/actions/rotate"},
  }));
  INFO(kind << " " << host << path);
  LivingDaemon life(imported_world());
  put_material(life, test::rsa_pem());
  life.cloud().faults().add(test::fault(kind, host, method, path));
  life.start();
  auto const before = test::keys_at_clouds(life);
  REQUIRE(life.run_until([&] { return life.settled(); }));
  CHECK(test::done(life) == 3);
  for (char const* key : {azure_key, ibm_key}) {
    INFO(key);
    CHECK(test::keys_at_clouds(life).at(key).versions.size() == before.at(key).versions.size() + 1);
  }
  CHECK(test::keys_on_record(life) == test::keys_at_clouds(life));
  test::require_deks_on_current_versions(life);
}

}  // namespace
}  // namespace rekeyd
