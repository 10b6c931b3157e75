#include "policy/provider_rotation.hpp"

#include "policy/delegation.hpp"
#include "policy/due.hpp"
#include "tests/policy/key_maker.hpp"

#include <catch2/catch.hpp>

namespace rekeyd {
namespace {

using std::chrono::days;
using test::a_key;
using test::a_policy;
using test::a_version;
using test::at;

ProviderRotation every_months(int months) {
  ProviderRotation rule{true, "P" + std::to_string(months) + "M"};
  rule.months = months;
  return rule;
}

ProviderRotation every_days(int count) {
  ProviderRotation rule{true, "P" + std::to_string(count) + "D"};
  rule.days = count;
  return rule;
}

/// A key that its provider rotates every three months, made on 1 January 2026 and read ever since.
struct Delegated {
  RootKey key = a_key("cmk");
  std::vector<KeyVersion> versions{a_version("v1", "2026-01-01T00:00:00Z")};
  std::vector<RotationPolicy> policies{a_policy("p", {.key = "*"}, 3)};
  std::optional<Rotation> rotation;
  std::optional<days> month;
  std::optional<Instant> read_at;
  std::vector<ResourceId> never_follow;

  Delegated() {
    policies[0].mode = Mode::delegate;
    key.provider_rotation = every_months(3);
  }

  Verdict on(char const* moment) const {
    PolicyMatch const match = match_policy(policies, key);
    Instant const now = at(moment);
    return decide({.key = key,
                   .versions = versions,
                   .match = match,
                   .rotation = rotation,
                   .read_error = {},
                   .rotation_floor = std::nullopt,
                   .never_follow = never_follow,
                   .overdue_after = std::chrono::hours(24),
                   .now = now,
                   .read_at = read_at.value_or(now),
                   .rotation_month = month});
  }
};

void expect(Verdict const& said, KeyStatus status, std::string const& reason) {
  CHECK(std::string(to_text(said.status)) == to_text(status));
  CHECK(said.reason == reason);
  CHECK_FALSE(said.sentence.empty());
  CHECK_FALSE(may_begin(said));
}

TEST_CASE("what a provider does is compared with what is asked of it by numbers") {
  auto const [rule, month, as_asked] = GENERATE(table<ProviderRotation, std::optional<days>, bool>({
      {every_months(3), std::nullopt, true},
      {every_months(6), std::nullopt, false},
      {every_days(90), std::nullopt, false},
      {every_days(90), days(30), true},
      {every_days(91), days(30), false},
      {every_months(3), days(30), false},
      {ProviderRotation{true, "P30D before expiry"}, std::nullopt, false},
      {ProviderRotation{false, "3 months of 30 days", std::nullopt, 90}, days(30), false},
  }));
  RootKey key = a_key("cmk");
  key.provider_rotation = rule;
  CAPTURE(rule.interval, rule.enabled, month.has_value());
  CHECK(rotates_as_asked(key, *Months::of(3), month) == as_asked);
  key.provider_rotation.reset();
  CHECK_FALSE(rotates_as_asked(key, *Months::of(3), month));
}

TEST_CASE("a provider's date leaves room for its tolerance and for months of 30 days") {
  auto const date = provider_date(every_months(3), at("2026-07-01T06:00:00Z"));
  REQUIRE(date);
  CHECK(to_rfc3339(date->expected) == "2026-10-01T06:00:00Z");
  CHECK(to_rfc3339(date->earliest) == "2026-09-28T06:00:00Z");
  CHECK(to_rfc3339(date->latest) == "2026-10-02T06:00:00Z");
}

TEST_CASE("a provider's month ends with the month that it reaches") {
  CHECK(to_rfc3339(provider_date(every_months(1), at("2027-01-31T12:00:00Z"))->expected) ==
        "2027-02-28T12:00:00Z");
  CHECK(to_rfc3339(provider_date(every_days(30), at("2027-01-31T12:00:00Z"))->expected) ==
        "2027-03-02T12:00:00Z");
}

TEST_CASE("a rule that was put on an old key acts from then on") {
  ProviderRotation rule = every_days(90);
  rule.since = at("2026-08-01T00:00:00Z");
  auto const date = provider_date(rule, at("2026-01-01T00:00:00Z"));
  REQUIRE(date);
  CHECK(to_rfc3339(date->expected) == "2026-08-01T00:00:00Z");
  CHECK(to_rfc3339(date->latest) == "2026-08-02T00:00:00Z");
}

TEST_CASE("a rule that is off, or in words that nobody knows, has no date") {
  ProviderRotation off = every_days(90);
  off.enabled = false;
  for (ProviderRotation const& rule :
       {off, ProviderRotation{true, "P1M10D"}, every_days(0), every_months(-1)}) {
    CAPTURE(rule.interval);
    CHECK_FALSE(provider_date(rule, at("2026-01-01T00:00:00Z")));
    CHECK_FALSE(made_by_rule(rule, at("2026-01-01T00:00:00Z"), at("2026-04-01T00:00:00Z")));
  }
}

TEST_CASE("a version is the provider's when it was made about the time when its rule makes one") {
  auto const [created, by_rule] = GENERATE(table<char const*, bool>({{"2026-03-30T23:59:59Z", false},
                                                                     {"2026-03-31T00:00:01Z", true},
                                                                     {"2026-04-01T00:00:00Z", true},
                                                                     {"2026-04-02T00:00:00Z", true},
                                                                     {"2026-04-02T00:00:01Z", false}}));
  CAPTURE(created);
  CHECK(made_by_rule(every_days(90), at("2026-01-01T00:00:00Z"), at(created)) == by_rule);
}

TEST_CASE("a delegated key is due on the provider's date, and each date follows from the one before") {
  Delegated const scene;
  PolicyMatch const match = match_policy(scene.policies, scene.key);
  auto applied = std::get<AppliedPolicy>(match);
  RootKey key = scene.key;
  key.provider_rotation = every_days(30);
  std::vector<Instant> const dates =
      due_dates_until(applied, key, scene.versions, at("2026-03-05T00:00:00Z"));
  REQUIRE(dates.size() == 2);
  CHECK(to_rfc3339(dates[0]) == "2026-01-31T00:00:00Z");
  CHECK(to_rfc3339(dates[1]) == "2026-03-02T00:00:00Z");
  CHECK(due_at(applied, key, scene.versions) == dates[0]);
  CHECK(to_rfc3339(calendar_due_at(applied, key.ref, scene.versions)) == "2026-04-01T00:00:00Z");
  applied.mode = Mode::enforce;
  CHECK(due_at(applied, key, scene.versions) == calendar_due_at(applied, key.ref, scene.versions));
}

TEST_CASE("a delegated key is ready until the provider's date, beside which our calendar's is told") {
  Delegated scene;
  scene.month = days(30);
  scene.key.provider_rotation = ProviderRotation{true, "3 months of 30 days", std::nullopt, 90};
  Verdict const said = scene.on("2026-03-31T23:59:59Z");
  expect(said, KeyStatus::ready, "provider_rotates");
  CHECK(said.due == at("2026-04-01T00:00:00Z"));
  CHECK(said.next_try == said.due);
  CHECK(
      said.sentence ==
      "the provider rotates this key every 3 months of 30 days, next by 2026-04-02T00:00:00Z; by policy p it "
      "is due 2026-04-01T00:00:00Z");
}

TEST_CASE("a provider is given its tolerance, and heard of once more, before it is said to be late") {
  Delegated scene;
  Verdict const in_time = scene.on("2026-04-01T12:00:00Z");
  expect(in_time, KeyStatus::waiting, "provider_rotates");
  CHECK(in_time.waits_for == WaitsFor::provider_answer);
  CHECK(in_time.next_try == at("2026-04-02T00:00:00Z"));
  scene.read_at = at("2026-04-01T23:59:59Z");
  Verdict const unread = scene.on("2026-04-03T00:00:00Z");
  expect(unread, KeyStatus::waiting, "provider_rotates");
  CHECK_FALSE(unread.next_try);
  scene.read_at = at("2026-04-02T00:00:00Z");
  expect(scene.on("2026-04-03T00:00:00Z"), KeyStatus::blocked, "provider_has_not_rotated");
}

TEST_CASE("a provider that does not rotate as asked is told to, until the key is due by our calendar") {
  Delegated scene;
  auto const [rule, words] = GENERATE(table<std::optional<ProviderRotation>, std::string>(
      {{std::nullopt, "it shows no rotation of its own"},
       {ProviderRotation{false, ""}, "its own rotation is off"},
       {every_months(6), "it does so every P6M"},
       {ProviderRotation{true, "P30D before expiry"}, "it does so every P30D before expiry"}}));
  scene.key.provider_rotation = rule;
  Verdict const early = scene.on("2026-02-01T00:00:00Z");
  expect(early, KeyStatus::waiting, "delegation_unset");
  CHECK(early.sentence == "policy p wants the provider to rotate this key every 3 months; " + words);
  CHECK(early.due == at("2026-04-01T00:00:00Z"));
  CHECK(early.next_try == at("2026-04-02T00:00:00Z"));
  expect(scene.on("2026-04-01T23:59:59Z"), KeyStatus::waiting, "delegation_unset");
  Verdict const late = scene.on("2026-04-02T00:00:00Z");
  expect(late, KeyStatus::blocked, "delegation_unset");
  CHECK_FALSE(late.next_try);
}

TEST_CASE("keys that no provider rotates are blocked under mode delegate, each with its own word") {
  Delegated scene;
  SECTION("imported") {
    scene.key.origin = Origin::imported;
    expect(scene.on("2026-02-01T00:00:00Z"), KeyStatus::blocked, "imported_delegated");
  }
  SECTION("disabled, and its date has come") {
    scene.key.state = KeyState::suspended;
    expect(scene.on("2026-02-01T00:00:00Z"), KeyStatus::ready, "provider_rotates");
    expect(scene.on("2026-04-01T00:00:00Z"), KeyStatus::blocked, "key_suspended");
  }
  SECTION("disabled before the provider was told to rotate it") {
    scene.key.state = KeyState::suspended;
    scene.key.provider_rotation.reset();
    expect(scene.on("2026-02-01T00:00:00Z"), KeyStatus::blocked, "key_suspended");
  }
  SECTION("used by machines that would stay on the old version for good") {
    scene.never_follow = {ResourceId("vm-1")};
    expect(scene.on("2026-02-01T00:00:00Z"), KeyStatus::blocked, "used_by_disk_encryption");
    scene.policies[0].disk_encryption_keys = DiskEncryptionKeys::rotate;
    expect(scene.on("2026-02-01T00:00:00Z"), KeyStatus::ready, "provider_rotates");
  }
  SECTION("of a certificate, which has an owner of its own") {
    scene.key.managed_elsewhere = true;
    expect(scene.on("2026-02-01T00:00:00Z"), KeyStatus::observed, "managed_elsewhere");
  }
}

TEST_CASE("only an enforcing policy and a rule that is on are two rotators") {
  Delegated scene;
  auto const two = [&] {
    PolicyMatch const match = match_policy(scene.policies, scene.key);
    return has_two_rotators(std::get<AppliedPolicy>(match), scene.key);
  };
  CHECK_FALSE(two());
  scene.policies[0].mode = Mode::observe;
  CHECK_FALSE(two());
  scene.policies[0].mode = Mode::enforce;
  CHECK(two());
  scene.key.provider_rotation->enabled = false;
  CHECK_FALSE(two());
}

}  // namespace
}  // namespace rekeyd
