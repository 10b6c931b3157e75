// Azure credentials of other kinds than a secret, with the real programs.
#include "tests/end_to_end/site.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <filesystem>

namespace rekeyd::test {

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;
using Catch::Matchers::Contains;

Organisation::Wanted two_azure_keys() {
  Organisation::Wanted wanted;
  wanted.keys = {};
  wanted.keys.payments = {"{ name: cmk-due, created: 14 months ago, deks: 2 }"};
  wanted.keys.treasury = {"{ name: hsm-due, created: 14 months ago, rotation_policy: neutral, deks: 2 }"};
  return wanted;
}

/// A certificate of the application, registered there, and the settings that name its file.
fs::path use_certificate(Organisation& organisation) {
  auto const made = organisation.clouds.ask("POST", "sim.localhost", "/client-certificates",
                                            json::serialize(json::object{{"client", client_id}}));
  REQUIRE(made.status == 201);
  auto const pem = json::parse(std::string_view(made.body)).at("pem");
  auto const file = organisation.site.write("etc/app.pem", std::string(pem.as_string()));
  fs::permissions(file, fs::perms::owner_read);
  auto settings = organisation.site.settings(organisation.clouds.port());
  settings.azure_proof = "client_certificate: { file: \"" + file.string() + "\" }";
  organisation.site.write_settings(settings);
  return file;
}

}  // namespace

TEST_CASE("a daemon with a client certificate rotates at both kinds of vault") {
  Organisation organisation(two_azure_keys());
  use_certificate(organisation);
  Site& site = organisation.site;
  CHECK(site.rekeyctl({"check", "--config", site.config_file()}).exit == 0);
  site.start();
  site.await_settled();
  CHECK(organisation.new_versions() ==
        std::map<std::string, std::size_t>{{"payments/cmk-due", 1}, {"treasury/hsm-due", 1}});
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK(site.stop() == 0);
  CHECK_THAT(site.log(), !Contains("PRIVATE KEY") && !Contains("eyJ"));
}

TEST_CASE("a daemon whose certificate the group may read does not start, and check says so before") {
  Organisation organisation(two_azure_keys());
  auto const file = use_certificate(organisation);
  fs::permissions(file, fs::perms::owner_read | fs::perms::group_read);
  Site& site = organisation.site;
  auto const checked = site.rekeyctl({"check", "--config", site.config_file()});
  CHECK(checked.exit == 3);
  CHECK_THAT(checked.out, Contains("chmod 600 " + file.string()));
  auto const ended = site.run_daemon_to_its_end();
  CHECK(ended.exit == 1);
  CHECK_THAT(ended.err, Contains("chmod 600 " + file.string()) && Contains("provider azure"));
}

}  // namespace rekeyd::test
