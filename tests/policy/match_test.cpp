#include "policy/match.hpp"

#include "tests/policy/key_maker.hpp"

#include <catch2/catch.hpp>

namespace rekeyd {
namespace {

using test::a_key;
using test::a_policy;

std::string winner(std::vector<RotationPolicy> const& policies, RootKey const& key) {
  PolicyMatch const match = match_policy(policies, key);
  if (auto const* applied = std::get_if<AppliedPolicy>(&match)) return applied->policy->name.str();
  return std::holds_alternative<NoPolicy>(match) ? "none" : "conflict";
}

TEST_CASE("every given part of a selector must match") {
  RootKey key = a_key("cmk-ledger");
  key.tags = {{"tier", "pci"}, {"team", "pay"}};
  CHECK(matches({.provider = "azure-prod", .vault = "payments-*", .key = "cmk-*", .tags = {{"tier", "pci"}}},
                key));
  CHECK(matches({.key = "CMK-LEDGER"}, key));
  CHECK(matches({.tags = {{"team", "p*"}}}, key));
  CHECK_FALSE(matches({.provider = "azure"}, key));
  CHECK_FALSE(matches({.vault = "payments"}, key));
  CHECK_FALSE(matches({.key = "cmk"}, key));
  CHECK_FALSE(matches({.tags = {{"tier", "prod"}}}, key));
  CHECK_FALSE(matches({.tags = {{"absent", "*"}}}, key));
}

TEST_CASE("a key's name and its id both answer to a key pattern") {
  RootKey key = a_key("0b1c2d3e-4f50-4a61-8b72-c3d4e5f60718", "kp-main", "ibm-prod");
  key.name = "vpc-root-eu";
  CHECK(matches({.key = "vpc-*"}, key));
  CHECK(matches({.key = "0b1c2d3e-*"}, key));
}

TEST_CASE("the most precise selector wins, part by part") {
  RootKey const key = a_key("cmk-ledger");
  RotationPolicy const everything = a_policy("everything", {.key = "*"}, 12);
  RotationPolicy const vault = a_policy("vault", {.vault = "payments-eu"}, 6);
  RotationPolicy const pattern = a_policy("pattern", {.vault = "payments-eu", .key = "cmk-*"}, 3);
  RotationPolicy const exact = a_policy("exact", {.key = "cmk-ledger"}, 1);
  CHECK(winner({everything, vault, pattern, exact}, key) == "exact");
  CHECK(winner({pattern, everything, vault}, key) == "pattern");
  CHECK(winner({everything, vault}, key) == "vault");
  CHECK(winner({everything}, key) == "everything");
  CHECK(winner({}, key) == "none");
}

TEST_CASE("equal precision is a conflict that names both") {
  RootKey const key = a_key("cmk-ledger");
  std::vector<RotationPolicy> const policies{a_policy("a", {.key = "cmk-*"}, 3),
                                             a_policy("b", {.key = "*-ledger"}, 6)};
  PolicyMatch const match = match_policy(policies, key);
  auto const* conflict = std::get_if<PolicyConflict>(&match);
  REQUIRE(conflict != nullptr);
  REQUIRE(conflict->policies.size() == 2);
  CHECK(conflict->policies[0]->name.str() == "a");
  CHECK(conflict->policies[1]->name.str() == "b");
}

TEST_CASE("an override changes what it names and inherits the rest") {
  RotationPolicy policy = a_policy("payments", {.key = "cmk-*"}, 3);
  policy.keys.push_back(
      {.key = "cmk-l*", .every = Months::of(2), .mode = std::nullopt, .place = {"p.yaml", 7, 9}});
  policy.keys.push_back(
      {.key = "cmk-ledger", .every = std::nullopt, .mode = Mode::observe, .place = {"p.yaml", 8, 9}});
  std::vector<RotationPolicy> const policies{policy};
  auto const apply = [&](char const* name) {
    return std::get<AppliedPolicy>(match_policy(policies, a_key(name)));
  };
  CHECK(apply("cmk-other").every.count() == 3);
  CHECK(apply("cmk-limits").every.count() == 2);
  CHECK(apply("cmk-limits").mode == Mode::enforce);
  // The exact name beats the pattern written before it, and does not inherit from it.
  CHECK(apply("cmk-ledger").every.count() == 3);
  CHECK(apply("cmk-ledger").mode == Mode::observe);
  CHECK(apply("cmk-ledger").place.line == 8);
}

TEST_CASE("equal selectors are found without a key") {
  std::vector<RotationPolicy> const policies{a_policy("a", {.key = "x*"}, 1), a_policy("b", {.key = "y*"}, 1),
                                             a_policy("c", {.key = "x*"}, 2)};
  auto const pairs = identical_selectors(policies);
  REQUIRE(pairs.size() == 1);
  CHECK(pairs[0].first->name.str() == "a");
  CHECK(pairs[0].second->name.str() == "c");
}

TEST_CASE("key references are read back as written and nothing else is one") {
  KeyRef const ref = a_key("cmk-ledger").ref;
  CHECK(KeyRef::parse(ref.text()) == ref);
  for (char const* wrong : {"", "a", "a/b", "a/b/", "/b/c", "a//c", "a/b/c/d"}) {
    INFO(wrong);
    CHECK_FALSE(KeyRef::parse(wrong));
  }
}

}  // namespace
}  // namespace rekeyd
