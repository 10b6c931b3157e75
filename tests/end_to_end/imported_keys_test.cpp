// Keys whose material was imported, with the real programs and material in files.
#include "providers/encoding.hpp"
#include "tests/end_to_end/site.hpp"
#include "tests/support/rsa_pem.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <filesystem>

namespace rekeyd::test {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using Counts = std::map<std::string, std::size_t>;

Organisation::Wanted two_imported_keys() {
  Organisation::Wanted wanted;
  wanted.keys = {};
  wanted.keys.payments = {
      "{ name: cmk-due, tags: { rekeyd-origin: imported }, created: 14 months ago, deks: 2 }"};
  wanted.keys.orders = {"{ " + ibm_key("crk-due", 101) +
                        ", imported: true, created: 14 months ago, deks: 2 }"};
  wanted.settings = [](SettingsText& settings) {
    settings.more = "material_sources: [{ name: key-room, kind: file, folder: material }]\n";
  };
  wanted.policies =
      "version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: 12 months, material: key-room "
      "}\n";
  return wanted;
}

void put(Site& site, std::string const& key, std::string const& material) {
  auto const file = site.write("etc/material/" + key, material);
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
}

}  // namespace

TEST_CASE("imported keys take new material from files, once, and it is nowhere to be seen afterwards") {
  Organisation organisation(two_imported_keys());
  Site& site = organisation.site;
  put(site, "azure/payments/cmk-due", rsa_pem());
  put(site, "kp/orders/" + ibm_key_id(101), providers::to_base64("an AES key that nobody else has."));
  CHECK(site.rekeyctl({"check", "--config", site.config_file()}).exit == 0);
  site.start();
  site.await_settled();
  CHECK(organisation.new_versions() == Counts{{"payments/cmk-due", 1}, {"orders/" + ibm_key_id(101), 1}});
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.number("SELECT count(*) FROM audit_events WHERE kind = 'material_drawn'") == 2);
  CHECK(site.number("SELECT count(*) FROM audit_events WHERE kind = 'material_drawn' AND "
                    "(details LIKE '%spki-sha256:%' OR details LIKE '%kcv:%')") == 2);
  CHECK(site.stop() == 0);
  std::string const secret = providers::to_base64("an AES key that nobody else has.");
  CHECK_THAT(site.log(), !Contains("PRIVATE KEY") && !Contains(secret));
  CHECK(site.number("SELECT count(*) FROM audit_events WHERE details LIKE '%" + secret + "%'") == 0);
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
}

TEST_CASE("an imported key without material is blocked with what to do, and goes on when it has some") {
  Organisation organisation(two_imported_keys());
  Site& site = organisation.site;
  put(site, "kp/orders/" + ibm_key_id(101), providers::to_base64("an AES key that nobody else has."));
  site.start();
  site.await_settled();
  CHECK(organisation.new_versions() == Counts{{"orders/" + ibm_key_id(101), 1}});
  auto const blocked = site.key("azure/payments/cmk-due");
  CHECK(blocked.at("reason") == "material_missing");
  put(site, "azure/payments/cmk-due", rsa_pem());
  auto const rotation = site.text("SELECT rotation FROM audit_rotations WHERE state = 'blocked'");
  CHECK(site.rekeyctl({"retry", rotation}).exit == 0);
  site.await_settled();
  CHECK(organisation.new_versions() == Counts{{"payments/cmk-due", 1}, {"orders/" + ibm_key_id(101), 1}});
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.stop() == 0);
}

}  // namespace rekeyd::test
