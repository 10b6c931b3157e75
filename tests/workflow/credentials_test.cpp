// The whole daemon with each kind of credential: the same real code that asks the clouds, against the model.
#include "tests/simulator/message.hpp"
#include "tests/workflow/small_world.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

namespace rekeyd::test {

namespace json = boost::json;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace {

constexpr char const* world_text = R"(version: 1
rsa_pool: { size: 4, bits: [2048] }
azure:
  tenants:
    - id: 11111111-2222-4333-8444-555555555555
      clients:
        - { id: 66666666-7777-4888-8999-000000000001, secret: demo-azure-secret }
        - { id: 66666666-7777-4888-8999-000000000002 }
        - { id: 66666666-7777-4888-8999-000000000003,
            federated: [{ issuer: "https://oidc.example/c1", subject: "system:serviceaccount:rekeyd:rekeyd" }] }
    - { id: 11111111-2222-4333-8444-666666666666, clients: [] }
  machine:
    system_assigned: { client_id: aaaaaaaa-0000-4000-8000-000000000001, tenant: 11111111-2222-4333-8444-555555555555 }
    user_assigned:
      - { client_id: aaaaaaaa-0000-4000-8000-000000000002, tenant: 11111111-2222-4333-8444-555555555555 }
  vaults:
    - { name: by-secret, tenant: 11111111-2222-4333-8444-555555555555, envelope_provider: by-secret,
        allowed_clients: [66666666-7777-4888-8999-000000000001], keys: [{ name: cmk, created: 14 months ago, deks: 2 }] }
    - { name: by-certificate, tenant: 11111111-2222-4333-8444-555555555555, envelope_provider: by-certificate,
        allowed_clients: [66666666-7777-4888-8999-000000000002], keys: [{ name: cmk, created: 14 months ago, deks: 2 }] }
    - { name: by-workload, tenant: 11111111-2222-4333-8444-555555555555, envelope_provider: by-workload,
        allowed_clients: [66666666-7777-4888-8999-000000000003], keys: [{ name: cmk, created: 14 months ago, deks: 2 }] }
    - { name: by-machine, kind: managed-hsm, tenant: 11111111-2222-4333-8444-555555555555, envelope_provider: by-machine,
        allowed_clients: [aaaaaaaa-0000-4000-8000-000000000001],
        keys: [{ name: cmk, created: 14 months ago, rotation_policy: neutral, deks: 2 }] }
)";

constexpr char const* settings_text = R"(version: 1
policies: policies.d
inventory: {{ every: 1 hour }}
providers:
  - name: by-secret
    kind: azure-key-vault
    credentials: {{ {application}1, client_secret: {{ credential: azure-prod }} }}
    vaults: [by-secret]
  - name: by-certificate
    kind: azure-key-vault
    credentials: {{ {application}2, client_certificate: {{ file: "{folder}/app.pem" }} }}
    vaults: [by-certificate]
  - name: by-workload
    kind: azure-key-vault
    credentials: {{ {application}3, workload_identity: {{ token_file: "{folder}/token" }} }}
    vaults: [by-workload]
  - name: by-machine
    kind: azure-managed-hsm
    credentials: {{ managed_identity: system-assigned }}
    vaults: [by-machine]
dek_stores:
  - {{ name: apps, kind: envelope-directory, path: deks }}
)";

constexpr char const* policies_text = R"(version: 1
policies:
  - { name: all, match: { key: "*" }, every: 6 months }
)";

/// Four providers of one tenant, each with a credential of another kind and a vault that lets that one in
/// alone.
class Organisation {
 public:
  Organisation() : life_(files(folder_.path())) {
    renew_certificate(365 * 24h);
    renew_token();
  }

  LivingDaemon& life() { return life_; }
  json::object tell(std::string const& path, json::object const& wish) {
    sim::Request request;
    request.method = "POST";
    request.host = request.authority = sim::control_host;
    request.target = path;
    request.body = json::serialize(wish);
    auto const answer = life_.cloud().handle(request, now()).answer;
    INFO(answer.body);
    REQUIRE(answer.status / 100 == 2);
    return answer.body.empty() ? json::object() : json::parse(answer.body).as_object();
  }
  std::string renew_certificate(std::chrono::seconds good_for, bool registered = true) {
    auto const made = tell("/client-certificates", {{"client", "66666666-7777-4888-8999-000000000002"},
                                                    {"ends_in_s", good_for.count()},
                                                    {"registered", registered}});
    std::string pem(made.at("pem").as_string());
    write("app.pem", pem);
    return pem;
  }
  void renew_token() {
    auto const made = tell("/federated-tokens", {{"issuer", "https://oidc.example/c1"},
                                                 {"subject", "system:serviceaccount:rekeyd:rekeyd"},
                                                 {"lifetime_s", 86'400}});
    write("token", made.at("token").as_string().c_str());
  }
  void start() {
    started_ = true;
    life_.start();
  }
  daemon::ProviderHealth const& health(char const* provider) {
    return life_.world().providers.at(ProviderName(provider))->health;
  }
  bool reached(char const* provider) { return health(provider).reachable; }
  std::size_t rotated() { return life_.events(EventKind::rotation_done).size(); }

 private:
  Instant now() {
    return started_ ? life_.clock().wall_now() : parse_rfc3339("2026-11-22T00:00:00Z").value();
  }
  void write(char const* name, std::string const& text) const {
    folder_.write(name, text);
    fs::permissions(folder_.path() / name, fs::perms::owner_read | fs::perms::owner_write);
  }
  static LivingDaemon::Files files(fs::path const& folder) {
    LivingDaemon::Files files;
    files.world_text = world_text;
    files.settings = fmt::format(settings_text, fmt::arg("folder", folder.string()),
                                 fmt::arg("application",
                                          "tenant: 11111111-2222-4333-8444-555555555555, client_id: "
                                          "66666666-7777-4888-8999-00000000000"));
    files.policies = policies_text;
    return files;
  }

  TemporaryFolder folder_;
  LivingDaemon life_;
  bool started_{false};
};

void settle_all(Organisation& organisation) {
  organisation.start();
  REQUIRE(organisation.life().run_until([&] { return organisation.life().settled(); }));
  REQUIRE(organisation.rotated() == 4);
}

}  // namespace

TEST_CASE("a key is rotated with each kind of credential, and no provider uses another's token") {
  Organisation organisation;
  settle_all(organisation);
  for (auto const* provider : {"by-secret", "by-certificate", "by-workload", "by-machine"})
    CHECK(organisation.reached(provider));
  // A vault lets one client in; a token of another would have been a 403, though of the same tenant and
  // audience.
  auto const counts = json::serialize(organisation.life().cloud().request_counts());
  CHECK(counts.find("forbidden") == std::string::npos);
  CHECK(organisation.life().network().count("GET 169.254.169.254/metadata/identity/oauth2/token") == 2);
}

TEST_CASE("a certificate that expires is told, and its successor is taken without a restart") {
  Organisation organisation;
  organisation.renew_certificate(3h);
  settle_all(organisation);
  REQUIRE(organisation.life().run_until([&] { return !organisation.reached("by-certificate"); }));
  CHECK(organisation.health("by-certificate").last_error.find("certificate expired") != std::string::npos);
  CHECK(organisation.reached("by-secret"));
  organisation.renew_certificate(24h);
  CHECK(organisation.life().run_until([&] { return organisation.reached("by-certificate"); }));
}

TEST_CASE("a federated token that nobody renews is told, and the renewed one is taken") {
  Organisation organisation;
  settle_all(organisation);
  auto const lost = [&] { return !organisation.reached("by-workload"); };
  REQUIRE(organisation.life().run_until(lost, 30h));
  CHECK(organisation.health("by-workload").last_error.find("AADSTS700024") != std::string::npos);
  organisation.renew_token();
  CHECK(organisation.life().run_until([&] { return organisation.reached("by-workload"); }));
}

TEST_CASE("a metadata service that is being updated delays, and does not fail, a rotation") {
  Organisation organisation;
  organisation.tell("/instance-metadata", {{"status", 410}, {"for_s", 70}});
  settle_all(organisation);
}

TEST_CASE("an application that was given its certificate minutes ago gets its token without a person") {
  Organisation organisation;
  auto const pem = organisation.renew_certificate(24h, false);
  organisation.start();
  REQUIRE(organisation.life().run_until([&] { return organisation.rotated() == 3; }));
  CHECK_FALSE(organisation.reached("by-certificate"));
  CHECK(organisation.health("by-certificate").last_error.find("AADSTS700027") != std::string::npos);
  // Entra ID says the same until a new certificate has reached all its replicas: now it has.
  organisation.tell("/client-certificates",
                    {{"client", "66666666-7777-4888-8999-000000000002"}, {"pem", pem}});
  CHECK(organisation.life().run_until([&] { return organisation.rotated() == 4; }));
  CHECK(organisation.reached("by-certificate"));
}

TEST_CASE("a machine whose clock is wrong is told so by Entra ID, and goes on once it is right") {
  Organisation organisation;
  organisation.tell("/entra-clock", {{"ahead_s", 7200}});
  organisation.start();
  REQUIRE(organisation.life().run_until(
      [&] { return !organisation.health("by-certificate").last_error.empty(); }));
  CHECK(organisation.health("by-certificate").last_error.find("AADSTS700024") != std::string::npos);
  organisation.tell("/entra-clock", {{"ahead_s", 0}});
  CHECK(organisation.life().run_until([&] { return organisation.rotated() == 4; }));
}

TEST_CASE("a vault that asks for a token of something else gets none") {
  Organisation organisation;
  organisation.tell("/vault-challenges",
                    {{"vault", "by-secret"}, {"resource", "https://management.azure.com"}});
  organisation.start();
  REQUIRE(organisation.life().run_until([&] { return organisation.rotated() == 3; }));
  CHECK_FALSE(organisation.reached("by-secret"));
  CHECK(organisation.health("by-secret").last_error.find("management.azure.com") != std::string::npos);
  CHECK(organisation.life().network().count("GET by-secret.vault.azure.net/keys?maxresults=1&") > 0);
}

TEST_CASE("a vault that moves to another tenant is not followed there") {
  Organisation organisation;
  settle_all(organisation);
  organisation.tell("/vault-challenges",
                    {{"vault", "by-secret"}, {"tenant", "11111111-2222-4333-8444-666666666666"}});
  REQUIRE(organisation.life().run_until([&] { return !organisation.reached("by-secret"); }));
  CHECK(organisation.health("by-secret")
            .last_error.find("belongs to tenant 11111111-2222-4333-8444-666666666666") != std::string::npos);
}

TEST_CASE("a revoked token is replaced by one that answers the claims challenge") {
  Organisation organisation;
  settle_all(organisation);
  auto const last = organisation.health("by-certificate").last_inventory;
  organisation.tell("/vault-challenges", {{"vault", "by-certificate"}, {"revoke", true}});
  REQUIRE(organisation.life().run_until(
      [&] { return organisation.health("by-certificate").last_inventory > last; }));
  CHECK(organisation.reached("by-certificate"));
}

}  // namespace rekeyd::test
