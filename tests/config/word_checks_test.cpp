#include "config/duration.hpp"
#include "config/endpoint_url.hpp"
#include "config/glob_syntax.hpp"
#include "config/name_syntax.hpp"
#include "config/near_word.hpp"
#include "config/plain_scalar.hpp"
#include "tests/config/texts.hpp"

#include <catch2/catch.hpp>

namespace rekeyd::config {

using namespace std::chrono_literals;

TEST_CASE("edit distance counts insertions, losses, changes and swaps of neighbours as one each") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("every", "every") == 0);
  CHECK(edit_distance("evry", "every") == 1);
  CHECK(edit_distance("everyy", "every") == 1);
  CHECK(edit_distance("evert", "every") == 1);
  CHECK(edit_distance("eveyr", "every") == 1);
  CHECK(edit_distance("ca", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("", "abc") == 3);
}

TEST_CASE("the nearest word is offered, a far one is not") {
  std::vector<std::string> const words{"name", "match", "every", "mode", "zone"};
  CHECK(near_word("mdoe", words) == "mode");
  CHECK(near_word("EVERY", words) == "every");
  CHECK(near_word("matches", words) == "match");
  CHECK_FALSE(near_word("colour", words));
  CHECK_FALSE(near_word("", words));
  CHECK_FALSE(near_word(std::string(1'000'000, 'e'), words));
}

TEST_CASE("lengths of time are a whole number, a space and a unit") {
  CHECK(parse_duration("500 ms") == 500ms);
  CHECK(parse_duration("1 second") == 1s);
  CHECK(parse_duration("30 seconds") == 30s);
  CHECK(parse_duration("90 minutes") == 90min);
  CHECK(parse_duration("24 hours") == 24h);
  CHECK(parse_duration("28 days") == std::chrono::days(28));
  CHECK(parse_duration("0 seconds") == 0ms);
  for (char const* const wrong : {"", "30", "seconds", "-1 hour", "1,5 hours", "1 hour 30 minutes", "1h",
                                  "2 weeks", "1 Hour", "1  hour", " 1 hour", "1 hour ", "1000000000 days"}) {
    CAPTURE(wrong);
    CHECK_FALSE(parse_duration(wrong));
  }
  CHECK(duration_text(90min) == "90 minutes");
  CHECK(duration_text(24h) == "1 day");
  CHECK(duration_text(1500ms) == "1500 ms");
}

TEST_CASE("unquoted words that some reader takes for something else are known") {
  for (char const* const word : {"y", "N", "yes", "No", "ON", "off", "True", "FALSE"}) {
    CAPTURE(word);
    CHECK(other_reading(word) == "a truth value");
  }
  for (char const* const word : {"null", "Null", "~"}) CHECK(other_reading(word) == "nothing");
  for (char const* const word : {"0", "10", "-1", "+1", "010", "0x1F", "0o17", "0b11", "1_000", "1.5", ".5",
                                 "1e3", "1.", "22:30", "1:30:00", ".inf", "-.INF", ".nan", "1e999"}) {
    CAPTURE(word);
    CHECK(other_reading(word) == "a number");
  }
  for (char const* const word :
       {"cmk", "yesterday", "10.0.0.1", "2025-07-01", "0a0a0a0a-0000-4000-8000-000000000001", "0xyz", "inf",
        "nan", "e3", "v1", "-", "1-2", "a:b", "kv1:443"}) {
    CAPTURE(word);
    CHECK(other_reading(word).empty());
  }
}

TEST_CASE("a pattern excludes a name only when that is certain") {
  CHECK(surely_excludes("cmk-*", "dek-a"));
  CHECK(surely_excludes("*-prod", "cmk-test"));
  CHECK(surely_excludes("cmk-a", "cmk-b"));
  CHECK(surely_excludes("cmk-?x", "cmk-ay"));
  CHECK_FALSE(surely_excludes("cmk-*", "CMK-a"));
  CHECK_FALSE(surely_excludes("[cd]mk-*", "cmk-a"));
  CHECK_FALSE(surely_excludes("*", "anything"));
  CHECK_FALSE(surely_excludes("c*k-[a-z]", "cmk-1"));
}

TEST_CASE("hosts of the clouds are known by their domains") {
  CHECK(kind_of_host("payments.vault.azure.net") == ProviderKind::azure_key_vault);
  CHECK(kind_of_host("p.managedhsm.azure.net") == ProviderKind::azure_managed_hsm);
  CHECK(kind_of_host("private.us-south.kms.cloud.ibm.com") == ProviderKind::ibm_key_protect);
  CHECK(kind_of_host("x.api.us-south.kms.appdomain.cloud") == ProviderKind::ibm_key_protect_dedicated);
  CHECK(kind_of_host("api.us-south.hs-crypto.cloud.ibm.com") == ProviderKind::ibm_hpcs);
  CHECK_FALSE(kind_of_host("evilvault.azure.net"));
  CHECK_FALSE(kind_of_host("kv.example"));
}

TEST_CASE("a service's URL is brought to one form") {
  CHECK(parse_endpoint_url("https://KV1.vault.azure.net/")->text == "https://kv1.vault.azure.net");
  CHECK(parse_endpoint_url("https://[::1]:8443")->text == "https://[::1]:8443");
  CHECK(parse_endpoint_url("https://a.example:08443")->text == "https://a.example:8443");
  CHECK_FALSE(parse_endpoint_url("https://a.example:"));
  CHECK_FALSE(parse_endpoint_url("https://a%2eexample"));
  CHECK_FALSE(parse_endpoint_url("https:///x"));
  CHECK_FALSE(parse_endpoint_url(""));
}

TEST_CASE("a material source that rekeyd.yaml does not have is an error, in a policy and in an exception") {
  auto const found = [](std::string const& sources) {
    auto const settings =
        parse_settings(test::settings_file() + sources, "rekeyd.yaml", "/", test::no_environment());
    REQUIRE(settings.value);
    auto const policies = parse_policies(
        "version: 1\npolicies:\n  - { name: a, match: { key: c }, every: 1 month, material: key-rom,\n"
        "      keys: [{ key: c, material: fresh }] }\n",
        "a.yaml");
    REQUIRE(policies.value);
    return test::lines(check_names(*policies.value, *settings.value));
  };
  CHECK(
      found(
          "material_sources: [{ name: fresh, kind: random }, { name: key-room, kind: file, folder: m }]\n") ==
      std::vector<std::string>{"a.yaml:3:5: error: rekeyd.yaml has no material source 'key-rom' "
                               "[unknown-name]; did you mean 'key-room'?"});
  CHECK(found("").size() == 2);
}

TEST_CASE("a policy for a provider or vault that does not exist is warned of with what was meant") {
  auto const settings = parse_settings(test::settings_file(), "rekeyd.yaml", "/", test::no_environment());
  REQUIRE(settings.value);
  auto const warnings = [&](std::string const& match) {
    auto const policies = parse_policies(
        "version: 1\npolicies:\n  - { name: a, match: " + match + ", every: 1 month }\n", "a.yaml");
    REQUIRE(policies.value);
    return test::lines(check_names(*policies.value, *settings.value));
  };
  CHECK(warnings("{ provider: AZURE-prod, vault: Payments-EU }").empty());
  CHECK(warnings("{ provider: azure-*, vault: other-* }").empty());
  CHECK(warnings("{ provider: azure-prd }") ==
        std::vector<std::string>{
            "a.yaml:3:5: warning: the policy 'a' can match no key: rekeyd.yaml has no provider "
            "'azure-prd' [unknown-name]; did you mean 'azure-prod'?"});
  CHECK(warnings("{ vault: payments-ue }") ==
        std::vector<std::string>{
            "a.yaml:3:5: warning: the policy 'a' can match no key: rekeyd.yaml has no vault or "
            "instance 'payments-ue' [unknown-name]; did you mean 'payments-eu'?"});
  CHECK(warnings("{ provider: azure-prod, vault: lab }").size() == 1);
}

}  // namespace rekeyd::config
