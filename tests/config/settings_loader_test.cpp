#include "tests/config/texts.hpp"

#include <catch2/catch.hpp>

#include <map>

namespace rekeyd::config {

namespace {

using namespace std::chrono_literals;

Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](std::string const& name) -> std::optional<std::string> {
    auto const found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
}

Settings settings_of(std::string const& text, Environment const& environment = test::no_environment()) {
  auto loaded = parse_settings(text, "/etc/rekeyd/rekeyd.yaml", "/etc/rekeyd", environment);
  REQUIRE(test::lines(loaded.diagnostics) == std::vector<std::string>{});
  return *loaded.value;
}

}  // namespace

TEST_CASE("what rekeyd.yaml leaves out has its documented default") {
  Settings const settings = settings_of(test::settings_file());
  CHECK(settings.policies == "/etc/rekeyd/policies.d");
  CHECK(settings.database == "/var/lib/rekeyd/rekeyd.db");
  CHECK(settings.control_socket == "/run/rekeyd/control.sock");
  CHECK(settings.control_group.empty());
  CHECK(settings.auditor_group.empty());
  CHECK(settings.inventory_every == 1h);
  CHECK(settings.rotations.per_hour == 60);
  CHECK(settings.rotations.in_flight == 8);
  CHECK(settings.rotations.overdue_after == 24h);
  CHECK(settings.rotations.storm_warning_percent == 20);
  CHECK(settings.rotations.storm_hold.percent == 20);
  CHECK(settings.rotations.storm_hold.keys == 5);
  for (ProviderSettings const& provider : settings.providers) CHECK(provider.rotations == RotationLimits{});
  CHECK(settings.network.ca_file.empty());
  CHECK(settings.dek_stores.empty());
  ProviderSettings const& provider = settings.providers.at(0);
  CHECK(provider.limits.in_flight == 16);
  CHECK(provider.limits.published_percent == 50);
  CHECK(provider.limits.per_second == 0);
  CHECK(provider.limits.tries == 5);
  CHECK(provider.limits.call_timeout == 30s);
  auto const& azure = std::get<AzureSettings>(provider.cloud);
  CHECK(azure.api_version == "7.5");
  CHECK(azure.rotate_by == AzureRotateBy::automatic);
  CHECK_FALSE(azure.set_neutral_rotation_policy);
  CHECK(azure.vaults.at(0).url == "https://payments-eu.vault.azure.net");
  CHECK(azure.credentials.authority == "https://login.microsoftonline.com");
}

TEST_CASE("systemd's folders are the default places, the first where there are several") {
  auto const environment = environment_of(
      {{"STATE_DIRECTORY", "/var/lib/rekeyd-two:/var/lib/other"}, {"RUNTIME_DIRECTORY", "/run/two"}});
  Settings const settings = settings_of(test::settings_file(), environment);
  CHECK(settings.database == "/var/lib/rekeyd-two/rekeyd.db");
  CHECK(settings.control_socket == "/run/two/control.sock");
  Settings const chosen = settings_of(test::settings_file("database: /srv/x.db\n"), environment);
  CHECK(chosen.database == "/srv/x.db");
}

TEST_CASE("relative paths are relative to the file, not to the working folder") {
  test::TemporaryFolder const folder;
  test::write(folder / "rekeyd.yaml", test::settings_file("policies: rules/./on\ndatabase: ../x.db\n"));
  auto const loaded = load_settings(folder / "rekeyd.yaml", test::no_environment());
  REQUIRE(loaded.value);
  CHECK(loaded.value->file == folder / "rekeyd.yaml");
  CHECK(loaded.value->policies == folder / "rules/on");
  CHECK(loaded.value->database == folder.path().parent_path() / "x.db");
}

TEST_CASE("a file that is not there is said to be so") {
  auto const loaded = load_settings("/nowhere/rekeyd.yaml", test::no_environment());
  CHECK_FALSE(loaded.value);
  CHECK(test::lines(loaded.diagnostics) ==
        std::vector<std::string>{"/nowhere/rekeyd.yaml: error: cannot be read: No such file or directory "
                                 "[unreadable]; check the path"});
}

TEST_CASE("all mistakes of rekeyd.yaml are reported at once, in the order of the file") {
  std::string const text = test::settings_file(
      "control_group: A B\nrotations: { per_hour: 0 }\nlog: yes\ninventory: { every: 10 }\n");
  auto const loaded = parse_settings(text, "rekeyd.yaml", "/", test::no_environment());
  CHECK_FALSE(loaded.value);
  std::vector<std::string> places;
  for (Diagnostic const& d : loaded.diagnostics) places.push_back(d.place.text() + " " + d.rule);
  CHECK(places == std::vector<std::string>{"rekeyd.yaml:2:16 name", "rekeyd.yaml:3:24 out-of-range",
                                           "rekeyd.yaml:4:1 unknown-field", "rekeyd.yaml:5:21 duration"});
}

TEST_CASE("a secret in clear is refused by field, and never repeated") {
  std::string const secret = "S3cr3t~Value";
  for (std::string const& form :
       {secret, "\"" + secret + "\"", "[" + secret + "]", "{ value: " + secret + " }", "{ " + secret + " }",
        "{ " + secret + ": " + secret + " }", "!!str " + secret, "*" + secret, "&" + secret + " x",
        "\"" + secret, "{ credential: \"" + secret + " x\" }", "{ file: " + secret + " }",
        secret + ": " + secret, "|\n        " + secret}) {
    CAPTURE(form);
    std::string text = test::settings_file();
    std::string const reference = "{ credential: azure-prod }";
    text.replace(text.find(reference), reference.size(), form);
    auto const loaded = parse_settings(text, "rekeyd.yaml", "/", test::no_environment());
    CHECK_FALSE(loaded.value);
    CHECK_FALSE(loaded.diagnostics.empty());
    for (std::string const& line : test::lines(loaded.diagnostics))
      CHECK(line.find(secret) == std::string::npos);
  }
}

TEST_CASE("the two forms of a secret reference are read") {
  auto const reference = [](std::string const& form) {
    std::string text = test::settings_file();
    std::string const old = "{ credential: azure-prod }";
    text.replace(text.find(old), old.size(), form);
    auto const settings = settings_of(text);
    auto const& credentials = std::get<AzureSettings>(settings.providers.at(0).cloud).credentials;
    return std::get<ClientSecret>(credentials.proof).secret;
  };
  CHECK(reference("{ credential: my-app }").kind == SecretReference::Kind::credential);
  CHECK(reference("{ credential: my-app }").name == "my-app");
  CHECK(reference("{ file: /etc/rekeyd/key }").kind == SecretReference::Kind::file);
  CHECK(reference("{ file: /etc/rekeyd/key }").name == "/etc/rekeyd/key");
}

TEST_CASE("connect_to keeps hosts in lower case and both ends with their ports") {
  Settings const settings =
      settings_of(test::settings_file("network:\n  connect_to: { \"KV1.vault.azure.net:443\": "
                                      "\"127.0.0.1:8443\", \"b.example:1\": \"[::1]:65535\" }\n"));
  CHECK(settings.network.connect_to ==
        std::map<std::string, std::string>{{"kv1.vault.azure.net:443", "127.0.0.1:8443"},
                                           {"b.example:1", "[::1]:65535"}});
}

TEST_CASE("the process's own environment is read through the seam") {
  CHECK(process_environment()("PATH"));
  CHECK_FALSE(process_environment()("REKEYD_NO_SUCH_VARIABLE"));
}

TEST_CASE("a workload identity takes what the file leaves out from the environment, and nothing else does") {
  auto const environment = environment_of({{"AZURE_TENANT_ID", "22222222-2222-4333-8444-555555555555"},
                                           {"AZURE_CLIENT_ID", "77777777-7777-4888-8999-000000000001"},
                                           {"AZURE_FEDERATED_TOKEN_FILE", "/var/run/token"},
                                           {"AZURE_AUTHORITY_HOST", "https://login.example/"}});
  auto const text = [](std::string const& credentials) {
    return "version: 1\nproviders:\n  - name: p\n    kind: azure-key-vault\n    vaults: [payments]\n    "
           "credentials: " +
           credentials + "\n";
  };
  auto const read = [&](std::string const& credentials) {
    return std::get<AzureSettings>(settings_of(text(credentials), environment).providers.at(0).cloud)
        .credentials;
  };
  auto const all = read("{ workload_identity: {} }");
  CHECK(all.tenant == "22222222-2222-4333-8444-555555555555");
  CHECK(all.client_id == "77777777-7777-4888-8999-000000000001");
  CHECK(std::get<WorkloadIdentity>(all.proof).token_file == "/var/run/token");
  CHECK(all.authority == "https://login.microsoftonline.com");
  auto const own = read("{ tenant: contoso.example, workload_identity: { token_file: /own/token } }");
  CHECK(own.tenant == "contoso.example");
  CHECK(own.client_id == all.client_id);
  CHECK(std::get<WorkloadIdentity>(own.proof).token_file == "/own/token");
  CHECK(read("{ managed_identity: system-assigned }").tenant.empty());
  auto const secret = text("{ client_secret: { credential: a } }");
  CHECK(parse_settings(secret, "rekeyd.yaml", "/", environment).diagnostics.size() == 2);
}

TEST_CASE(
    "an environment variable that is not fit for its field is a mistake, and its text is not repeated") {
  auto const environment = environment_of({{"AZURE_TENANT_ID", "no tenant"},
                                           {"AZURE_CLIENT_ID", "no guid"},
                                           {"AZURE_FEDERATED_TOKEN_FILE", "relative"}});
  auto const loaded = parse_settings(
      "version: 1\nproviders:\n  - name: p\n    kind: azure-key-vault\n    vaults: [payments]\n"
      "    credentials: { workload_identity: {} }\n",
      "rekeyd.yaml", "/", environment);
  CHECK(loaded.diagnostics.size() == 3);
  for (auto const& line : test::lines(loaded.diagnostics)) {
    CHECK(line.find("is not fit for it") != std::string::npos);
    CHECK(line.find("no tenant") == std::string::npos);
  }
}

TEST_CASE("more than Azure publishes is warned of, and IBM has no such share") {
  auto const told = [](std::string const& provider, std::string const& percent) {
    std::string const limits = "    limits: { published_percent: " + percent + " }\n";
    auto const loaded =
        parse_settings(test::settings_file() + provider + limits, "rekeyd.yaml", "/", test::no_environment());
    std::string rules;
    for (Diagnostic const& each : loaded.diagnostics) rules += each.rule + " ";
    return rules;
  };
  CHECK(told("", "1").empty());
  CHECK(told("", "100").empty());
  CHECK(told("", "101") == "above-published ");
  CHECK(told("", "0") == "out-of-range ");
  CHECK(told("", "half") == "wrong-type ");
  std::string const ibm =
      "  - name: ibm-prod\n    kind: ibm-key-protect\n    credentials: { api_key: { credential: ibm-prod } "
      "}\n"
      "    instances:\n      - name: kp-main\n        id: 0a0a0a0a-0000-4000-8000-000000000001\n"
      "        url: https://us-south.kms.cloud.ibm.com\n";
  CHECK(told(ibm, "50") == "unknown-field ");
}

TEST_CASE("API versions of resources are dates, and old ones are warned of") {
  auto const told = [](std::string const& version) {
    auto const loaded = parse_settings(
        test::settings_file() + "    resource_api_versions: { disk_encryption_sets: \"" + version + "\" }\n",
        "rekeyd.yaml", "/", test::no_environment());
    std::string rules;
    for (Diagnostic const& each : loaded.diagnostics) rules += each.rule + " ";
    return rules;
  };
  CHECK(told("2023-10-02").empty());
  CHECK(told("2026-03-02-preview").empty());
  CHECK(told("2021-04-01") == "old-api-version ");
  for (char const* none :
       {"7.5", "2023-13-02", "2023-02-30", "2023-10-2", "latest", "2023-10-02-beta", "2023-10-02&a=b"})
    CHECK(told(none) == "api-version ");
  Settings const settings = settings_of(test::settings_file() +
                                        "    resource_api_versions: { virtual_machines: \"2025-04-01\" }\n");
  auto const& azure = std::get<AzureSettings>(settings.providers.at(0).cloud);
  CHECK(azure.resource_api_versions ==
        std::map<std::string, std::string>{{"microsoft.compute/virtualmachines", "2025-04-01"}});
}

}  // namespace rekeyd::config
