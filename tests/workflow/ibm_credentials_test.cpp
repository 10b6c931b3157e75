// The whole daemon at IBM without an API key: as a compute resource and as a VPC instance, against the model.
#include "tests/support/temporary_folder.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace rekeyd::test {
namespace {

namespace fs = std::filesystem;

constexpr char const* world_text = R"(version: 1
ibm:
  account: 3f5a0c9e7d1b4826a0e4c7b9d2f61835
  trusted_profiles:
    - { id: Profile-1, name: cluster, role: Writer, compute_tokens: [eyJ.compute.1] }
    - { id: Profile-2, name: machine, role: Writer, linked: true }
  instances:
    - name: kp-main
      id: 0a0a0a0a-0000-4000-8000-000000000001
      flavour: key-protect
      region: us-south
      envelope_provider: by-profile
      keys: [{ name: crk-a, id: 0b0b0b0b-0000-4000-8000-000000000001, created: 8 months ago }]
    - name: kp-second
      id: 0a0a0a0a-0000-4000-8000-000000000002
      flavour: key-protect
      region: us-south
      envelope_provider: by-instance
      keys: [{ name: crk-b, id: 0b0b0b0b-0000-4000-8000-000000000002, created: 8 months ago }]
)";

constexpr char const* settings_text = R"(version: 1
policies: policies.d
inventory: {{ every: 1 hour }}
providers:
  - name: by-profile
    kind: ibm-key-protect
    credentials: {{ trusted_profile: {{ name: cluster, token_file: "{}/token" }} }}
    instances: [{{ name: kp-main, id: 0a0a0a0a-0000-4000-8000-000000000001, url: "https://us-south.kms.cloud.ibm.com" }}]
  - name: by-instance
    kind: ibm-key-protect
    credentials: {{ vpc_instance: {} }}
    instances: [{{ name: kp-second, id: 0a0a0a0a-0000-4000-8000-000000000002, url: "https://us-south.kms.cloud.ibm.com" }}]
)";

LivingDaemon::Files files(fs::path const& folder, char const* instance) {
  LivingDaemon::Files files;
  files.world_text = world_text;
  files.settings = fmt::format(settings_text, folder.string(), instance);
  files.policies = "version: 1\npolicies: [{ name: all, match: { key: \"*\" }, every: 6 months }]\n";
  return files;
}

std::string last_error(LivingDaemon& life, char const* provider) {
  return life.world().providers.at(ProviderName(provider))->health.last_error;
}

TEST_CASE("keys at IBM are rotated by a compute resource and by a VPC instance, without any API key") {
  TemporaryFolder folder;
  folder.write("token", "eyJ.compute.1\n");
  LivingDaemon life(files(folder.path(), GENERATE("linked-profile", "{ profile: Profile-2 }",
                                                  "{ profile: Profile-2, secure: true }")));
  life.start();
  REQUIRE(life.run_until([&] { return done(life) == 2; }));
  CHECK(last_error(life, "by-profile").empty());
  CHECK(last_error(life, "by-instance").empty());
}

TEST_CASE("a compute resource or an instance that may not enter its profile is told so, and can be mended") {
  TemporaryFolder folder;
  folder.write("token", "eyJ.somebody.else");
  LivingDaemon life(files(folder.path(), "{ profile: Profile-1 }"));
  life.start();
  REQUIRE(life.run_until(
      [&] { return !last_error(life, "by-profile").empty() && !last_error(life, "by-instance").empty(); }));
  CHECK(last_error(life, "by-profile").find("does not match the profile's conditions") != std::string::npos);
  CHECK(last_error(life, "by-instance").find("may not enter that trusted profile") != std::string::npos);
  CHECK(last_error(life, "by-instance").find("eyJ") == std::string::npos);
  folder.write("token", "eyJ.compute.1");
  CHECK(life.run_until([&] { return done(life) == 1; }));
}

}  // namespace
}  // namespace rekeyd::test
