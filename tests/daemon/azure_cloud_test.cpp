// What `cloud` in the settings comes to: where a provider's calls and its tokens go.
#include "daemon/azure_cloud.hpp"

#include "config/load.hpp"
#include "daemon/provider_instance.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <filesystem>

using namespace rekeyd;
using namespace rekeyd::test;
using namespace std::chrono_literals;

namespace {

constexpr char const* tenant = "11111111-2222-4333-8444-555555555555";

struct Site {
  TemporaryFolder folder;
  std::string const secret = folder.write("secret", "s3cret");

  Site() { std::filesystem::permissions(secret, std::filesystem::perms::owner_read); }

  config::ProviderSettings provider(std::string const& cloud, std::string const& kind = "azure-key-vault",
                                    std::string const& authority = {}) const {
    auto const text = fmt::format(
        "version: 1\nproviders:\n  - name: p\n    kind: {}\n    cloud: {}\n    vaults: [payments]\n"
        "    credentials: {{ tenant: {}, client_id: 66666666-7777-4888-8999-000000000001,\n"
        "                   client_secret: {{ file: {} }}{} }}\n",
        kind, cloud, tenant, secret, authority.empty() ? "" : ", authority: " + authority);
    auto loaded = config::parse_settings(text, "rekeyd.yaml", "/", [](auto const&) { return std::nullopt; });
    for (auto const& diagnostic : loaded.diagnostics) UNSCOPED_INFO(config::to_text(diagnostic));
    REQUIRE(loaded.value);
    return loaded.value->providers.at(0);
  }
};

/// A vault that names a resource and an authority, and an authority that takes note of the scope.
struct Clouds {
  std::string resource, authority;
  VirtualClock clock{parse_rfc3339("2026-03-01T12:00:00Z").value()};
  SeededRandom random{1};
  ScriptedTransport network{clock,
                            [this](providers::HttpRequest const& request) { return answered(request); }};
  boost::asio::io_context io{1};

  Result<providers::HttpResponse> answered(providers::HttpRequest const& request) const {
    if (request.method == "POST") return answer(200, R"({"access_token":"t","expires_in":3599})");
    for (auto const& [name, value] : request.headers) {
      if (name == "Authorization") return answer(200, R"({"value":[]})");
    }
    auto const challenge =
        fmt::format(R"(Bearer authorization="{}/{}", resource="{}")", authority, tenant, resource);
    return answer(401, "{}", {{"WWW-Authenticate", challenge}});
  }
  /// Hosts in the order in which they were asked, after a list of all keys.
  std::vector<std::string> list_keys(config::ProviderSettings const& settings) {
    config::Settings all;
    all.providers.push_back(settings);
    auto const instances = daemon::make_provider_instances(all, network, clock, random);
    REQUIRE(instances);
    auto const keys = run_coroutine(
        io, clock,
        instances->at(settings.name)->kms->list_keys(VaultName("payments"), {}, clock.mono_now() + 60s));
    listed = keys.has_value();
    std::vector<std::string> hosts;
    for (auto const& request : network.sent()) hosts.push_back(request.endpoint.text());
    return hosts;
  }
  bool listed{false};
};

struct Case {
  char const* cloud;
  char const* kind;
  char const* domain;
  char const* authority;
  char const* arm;
};

}  // namespace

TEST_CASE("vaults, challenges, authority and audience are those of the provider's cloud") {
  auto const expected =
      GENERATE(values<Case>({{"public", "azure-key-vault", "vault.azure.net",
                              "https://login.microsoftonline.com", "https://management.azure.com"},
                             {"public", "azure-managed-hsm", "managedhsm.azure.net",
                              "https://login.microsoftonline.com", "https://management.azure.com"},
                             {"us-government", "azure-key-vault", "vault.usgovcloudapi.net",
                              "https://login.microsoftonline.us", "https://management.usgovcloudapi.net"},
                             {"us-government", "azure-managed-hsm", "managedhsm.usgovcloudapi.net",
                              "https://login.microsoftonline.us", "https://management.usgovcloudapi.net"},
                             {"china", "azure-key-vault", "vault.azure.cn", "https://login.chinacloudapi.cn",
                              "https://management.chinacloudapi.cn"},
                             {"china", "azure-managed-hsm", "managedhsm.azure.cn",
                              "https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn"}}));
  CAPTURE(expected.cloud, expected.kind);
  Site const site;
  auto const settings = site.provider(expected.cloud, expected.kind);
  Clouds clouds{std::string("https://") + expected.domain, expected.authority};
  auto const vault = std::string("https://payments.") + expected.domain;
  CHECK(clouds.list_keys(settings) == std::vector<std::string>{vault, expected.authority, vault});
  CHECK(clouds.listed);
  std::string const form(std::string_view(clouds.network.sent().at(1).body));
  CHECK(form.find(std::string("scope=https%3A%2F%2F") + expected.domain + "%2F.default") !=
        std::string::npos);
  auto const cloud = daemon::azure_cloud(std::get<config::AzureSettings>(settings.cloud));
  REQUIRE(cloud);
  CHECK(cloud->arm_endpoint.text() == expected.arm);
  CHECK(cloud->arm_scope() == std::string(expected.arm) + "/.default");
}

TEST_CASE("a vault of another cloud, another kind or under another authority gets no token") {
  struct Wrong {
    char const* resource;
    char const* authority;
  };
  auto const wrong =
      GENERATE(values<Wrong>({{"https://vault.azure.net", "https://login.microsoftonline.us"},
                              {"https://managedhsm.usgovcloudapi.net", "https://login.microsoftonline.us"},
                              {"https://usgovcloudapi.net", "https://login.microsoftonline.us"},
                              {"https://management.usgovcloudapi.net", "https://login.microsoftonline.us"},
                              {"https://vault.usgovcloudapi.net", "https://login.microsoftonline.com"},
                              {"https://vault.usgovcloudapi.net", "https://login.windows.net"}}));
  CAPTURE(wrong.resource, wrong.authority);
  Site const site;
  Clouds clouds{wrong.resource, wrong.authority};
  auto const hosts = clouds.list_keys(site.provider("us-government"));
  CHECK_FALSE(clouds.listed);
  CHECK(hosts == std::vector<std::string>{"https://payments.vault.usgovcloudapi.net"});
}

TEST_CASE("a cloud of one's own has its own names, and no alias of the one that it is like") {
  Site const site;
  std::string const own =
      "{ vault_domain: vault.cloud.example, managed_hsm_domain: hsm.cloud.example, arm_endpoint: "
      "\"https://arm.cloud.example:8443\", arm_audience: https://arm.cloud.example }";
  auto const settings = site.provider(own, "azure-key-vault", "https://login.cloud.example");
  {
    Clouds clouds{"https://vault.cloud.example", "https://login.cloud.example"};
    CHECK(clouds.list_keys(settings) == std::vector<std::string>{"https://payments.vault.cloud.example",
                                                                 "https://login.cloud.example",
                                                                 "https://payments.vault.cloud.example"});
  }
  Clouds clouds{"https://vault.cloud.example", "https://login.windows.net"};
  CHECK(clouds.list_keys(settings).size() == 1);
  auto const cloud = daemon::azure_cloud(std::get<config::AzureSettings>(settings.cloud));
  CHECK(cloud->arm_endpoint.text() == "https://arm.cloud.example:8443");
  CHECK(cloud->arm_scope() == "https://arm.cloud.example/.default");
}
