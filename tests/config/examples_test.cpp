#include "tests/config/texts.hpp"

#include <catch2/catch.hpp>

#include <set>

/// The shipped examples are what people copy: they load, and they say what the demo and the docs rely on.
namespace rekeyd::config {

namespace {

std::filesystem::path const examples = std::filesystem::path(REKEYD_SOURCE_DIR) / "config/examples";

Settings example_settings() {
  auto loaded = load_settings(examples / "rekeyd.yaml", test::no_environment());
  REQUIRE(test::lines(loaded.diagnostics) == std::vector<std::string>{});
  return *loaded.value;
}

PolicySet example_policies() {
  auto loaded = load_policies(examples / "policies.d");
  REQUIRE(test::lines(loaded.diagnostics) == std::vector<std::string>{});
  return *loaded.value;
}

}  // namespace

TEST_CASE("the shipped rekeyd.yaml describes the five provider instances of the demo") {
  Settings const settings = example_settings();
  std::map<std::string, ProviderKind> kinds;
  for (ProviderSettings const& provider : settings.providers)
    kinds.emplace(provider.name.str(), provider.kind);
  CHECK(kinds ==
        std::map<std::string, ProviderKind>{{"azure-prod", ProviderKind::azure_key_vault},
                                            {"hsm-prod", ProviderKind::azure_managed_hsm},
                                            {"ibm-prod", ProviderKind::ibm_key_protect},
                                            {"ibm-dedicated", ProviderKind::ibm_key_protect_dedicated},
                                            {"ibm-hpcs", ProviderKind::ibm_hpcs}});
  CHECK(settings.policies == examples / "policies.d");
  REQUIRE(settings.dek_stores.size() == 1);
  CHECK(settings.dek_stores[0].path == examples / "deks");
  auto const& hsm = std::get<AzureSettings>(settings.providers.at(1).cloud);
  CHECK(hsm.set_neutral_rotation_policy);
  CHECK(hsm.vaults.at(0).url == "https://treasury-hsm.managedhsm.azure.net");
}

TEST_CASE("what the shipped rekeyd.yaml shows as a comment is valid too") {
  std::string text = test::read(examples / "rekeyd.yaml");
  std::string shown;
  std::size_t uncommented = 0;
  for (std::size_t from = 0, end; from < text.size(); from = end + 1) {
    end = std::min(text.find('\n', from), text.size());
    std::string line = text.substr(from, end - from);
    auto const mark = line.find_first_not_of(' ');
    bool const field = mark != std::string::npos && line.compare(mark, 2, "# ") == 0;
    // A field has "name: value" or "name:" right after the mark; prose has spaces before its first colon.
    auto const word_end =
        field ? line.find_first_of(" :", line.find_first_not_of(' ', mark + 1)) : std::string::npos;
    bool const quoted = field && line.find('"') == line.find_first_not_of(' ', mark + 1);
    if (word_end != std::string::npos && (line[word_end] == ':' || quoted)) {
      line.erase(mark, 2);
      ++uncommented;
    }
    shown += line + "\n";
  }
  CHECK(uncommented >= 14);
  auto const loaded = parse_settings(shown, "rekeyd.yaml", examples, test::no_environment());
  CHECK(test::lines(loaded.diagnostics) == std::vector<std::string>{});
}

TEST_CASE("the shipped policies cover every shipped provider, and one only observes") {
  Settings const settings = example_settings();
  PolicySet const policies = example_policies();
  std::set<std::string> covered;
  std::size_t observing = 0;
  for (RotationPolicy const& policy : policies.policies) {
    if (policy.match.provider) covered.insert(*policy.match.provider);
    if (policy.mode == Mode::observe) ++observing;
  }
  for (ProviderSettings const& provider : settings.providers) CHECK(covered.contains(provider.name.str()));
  CHECK(observing == 1);
  CHECK(check_names(policies, settings).empty());
}

TEST_CASE("the shipped payments policy is the shape that the docs show") {
  PolicySet const policies = example_policies();
  auto const payments = std::ranges::find(policies.policies, PolicyName("payments"), &RotationPolicy::name);
  REQUIRE(payments != policies.policies.end());
  CHECK(payments->match == KeySelector{"azure-prod", "payments-*", "cmk-*", {{"tier", "pci"}}});
  CHECK(payments->every.count() == 3);
  REQUIRE(payments->keys.size() == 1);
  CHECK(payments->keys[0].key == "cmk-ledger");
  CHECK(payments->keys[0].every == Months::of(1));
}

TEST_CASE("every example in the policy author's page loads, and every mistake it shows is one") {
  std::string const page = test::read(std::filesystem::path(REKEYD_SOURCE_DIR) / "docs/policies.md");
  std::size_t good = 0;
  std::size_t bad = 0;
  std::string const fence = "```yaml\n";
  for (std::size_t at = 0; (at = page.find(fence, at)) != std::string::npos;) {
    at += fence.size();
    std::string const text = page.substr(at, page.find("```", at) - at);
    CAPTURE(text);
    auto const loaded = parse_policies(text, "docs/policies.md");
    bool const shows_mistake = text.starts_with("# wrong");
    CHECK(has_errors(loaded.diagnostics) == shows_mistake);
    shows_mistake ? ++bad : ++good;
  }
  CHECK(good >= 8);
  CHECK(bad >= 3);
}

}  // namespace rekeyd::config
