#include "tests/daemon/control/sample_reports.hpp"

#include <stdexcept>

namespace rekeyd::test {

using daemon::CallReport;
using daemon::DekStoreReport;
using daemon::DowntimeReport;
using daemon::HoldReport;
using daemon::KeyReport;
using daemon::PlanEntry;
using daemon::PlanReport;
using daemon::ProviderReport;
using daemon::ReloadAnswer;
using daemon::StatusReport;

namespace {

KeyReport key(char const* ref, KeyStatus status, char const* reason, char const* sentence) {
  KeyReport k;
  k.key = KeyRef::parse(ref).value();
  k.name = k.key.id.str();
  k.provider_kind = "azure-key-vault";
  k.verdict = {.status = status,
               .waits_for = WaitsFor::nothing,
               .reason = reason,
               .sentence = sentence,
               .since = at("2026-03-01T00:00:00Z"),
               .due = std::nullopt,
               .next_try = std::nullopt};
  k.policy = "payments";
  k.every_months = 3;
  k.state = KeyState::active;
  k.type = {KeyAlgorithm::rsa, 2048, Protection::hsm};
  k.origin = Origin::generated;
  k.current_version = VersionId("0f1e2d3c");
  k.current_created = at("2025-12-01T08:00:00Z");
  k.versions = 4;
  return k;
}

KeyReport unknown_key() {
  KeyReport k =
      key("ibm-prod/kp-eu/7c1d9b52", KeyStatus::unknown, "unreadable", "The provider answered 403.");
  k.name = "db \"backup\"\tkey";
  k.provider_kind = "ibm-key-protect";
  k.policy.clear();
  k.every_months.reset();
  k.type = {KeyAlgorithm::aes, 0, Protection::software};
  k.origin = Origin::imported;
  k.current_version.reset();
  k.current_created.reset();
  k.versions = 0;
  return k;
}

}  // namespace

Instant at(char const* rfc3339) {
  auto const instant = parse_rfc3339(rfc3339);
  if (!instant) throw std::invalid_argument(rfc3339);
  return *instant;
}

Rotation sample_rotation() {
  Rotation r;
  r.id = RotationId("5b0c6c1e-9a0f-4c64-8f4e-1d2a3b4c5d6e");
  r.key = KeyRef::parse("azure-prod/payments-eu/cmk-cards").value();
  r.policy = PolicyName("payments");
  r.trigger = Trigger::request;
  r.requested_by = "uid 1000 (anna)";
  r.reason = "staff change";
  r.due = at("2026-03-01T08:00:00Z");
  r.base_version = VersionId("0f1e2d3c");
  r.known_versions = {VersionId("aa"), VersionId("0f1e2d3c")};
  r.new_version = VersionId("99887766");
  r.new_version_made_by = MadeBy::rekeyd;
  r.step = Step::propagate;
  r.state = RotationState::blocked;
  r.attempts = 2;
  r.sent = RequestsSent{at("2026-03-02T00:00:05Z"), at("2026-03-02T00:00:10Z")};
  r.next_try = at("2026-03-02T01:00:00Z");
  r.blocked_reason = "dek_store_damaged";
  r.message = "3 wrapped DEKs cannot be read";
  r.remedy = "mend the files named in status, then rekeyctl retry";
  r.opened = at("2026-03-02T00:00:00Z");
  r.updated = at("2026-03-02T00:05:00Z");
  return r;
}

std::vector<daemon::ResourceReport> sample_resources() {
  std::string const sets =
      "/subscriptions/s/resourcegroups/apps/providers/microsoft.compute/diskencryptionsets/";
  Registration pinned;
  pinned.key = *KeyRef::parse("azure-prod/payments-eu/cmk-ledger");
  pinned.resource = ResourceId(sets + "pinned");
  pinned.kind = "disk-encryption-set";
  pinned.version = VersionId("v2");
  pinned.prevents_deletion = true;
  pinned.following = Following::when_told;
  pinned.tied = {ResourceId("/subscriptions/s/disks/a"), ResourceId("/subscriptions/s/disks/b")};
  pinned.details = {{"encryption_type", "EncryptionAtRestWithCustomerKey"}};
  Registration behind = pinned;
  behind.resource = ResourceId(sets + "secret");
  behind.version = VersionId("v1");
  behind.following = Following::when_told_at_rest;
  behind.tied.clear();
  Registration troubled = pinned;
  troubled.resource = ResourceId(sets + "stuck");
  troubled.following = Following::by_itself;
  troubled.condition = {"following_stopped", "Azure no longer moves it", "mend what the error names"};
  Registration bucket;
  bucket.key = *KeyRef::parse("ibm-prod/kp-main/0b0b0b0b-0000-4000-8000-000000000101");
  bucket.resource = ResourceId("crn:v1:bluemix:public:cloud-object-storage:global:a/1:2:bucket:logs");
  bucket.kind = "bucket";
  return {{pinned, VersionId("v2")},
          {behind, VersionId("v2")},
          {troubled, VersionId("v2")},
          {bucket, std::nullopt}};
}

std::vector<KeyReport> sample_keys() {
  KeyReport ready =
      key("azure-prod/payments-eu/cmk-ledger", KeyStatus::ready, "not_due", "Due in five weeks.");
  ready.verdict.due = at("2026-04-08T08:00:00Z");
  ready.versions_max = 100;
  ready.tags = {{"tier", "pci"}, {"owner", "finance"}};
  KeyReport waiting = key("azure-prod/payments-eu/cmk-payout", KeyStatus::waiting, "quota",
                          "60 rotations were begun in this hour already.");
  waiting.verdict.waits_for = WaitsFor::quota;
  waiting.verdict.next_try = at("2026-03-02T02:00:00Z");
  KeyReport blocked = key("azure-prod/payments-eu/cmk-cards", KeyStatus::blocked, "dek_store_damaged",
                          "3 wrapped DEKs cannot be read.");
  blocked.rotation = sample_rotation();
  KeyReport watched =
      key("azure-prod/payments-eu/cmk-watched", KeyStatus::observed, "mode_observe", "Watched only.");
  watched.provider_rotation = "P90D";
  return {
      ready,
      key("azure-prod/payments-eu/cmk-fees", KeyStatus::due, "cryptoperiod_over", "Due since yesterday."),
      key("azure-prod/payments-eu/cmk-old", KeyStatus::overdue, "cryptoperiod_over", "Due since January."),
      key("azure-prod/payments-eu/cmk-now", KeyStatus::rotating, "rotating", "Step rotate is under way."),
      waiting,
      blocked,
      watched,
      unknown_key()};
}

StatusReport sample_status() {
  StatusReport s;
  s.daemon_version = "0.1.0";
  s.now = at("2026-03-02T01:02:03Z");
  s.started = at("2026-02-01T00:00:00Z");
  s.config_file = "/etc/rekeyd/rekeyd.yaml";
  s.policy_digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
  s.policies = 3;
  s.policies_loaded = at("2026-02-20T10:00:00Z");
  s.reload_errors = {
      "policies.d/pay.yaml:4:7: error: unknown field 'evry' [unknown-field]; did you mean 'every'?"};
  s.warnings = {"the clock is 95 s behind azure-prod's"};
  for (KeyReport const& each : sample_keys()) s.counts[to_text(each.verdict.status)] += 1;
  s.next_due = at("2026-04-08T08:00:00Z");
  s.providers = {
      ProviderReport{
          .name = ProviderName("azure-prod"),
          .kind = "azure-key-vault",
          .reachable = true,
          .last_error = "",
          .last_inventory = at("2026-03-02T01:00:00Z"),
          .keys = 7,
          .calls = {.calls = 1234, .retries = 5, .throttled = 2, .failed = 0, .waiting = 12, .waited_s = 345},
          .resource_calls = CallReport{.calls = 78, .waited_s = 6},
          .clock_offset_s = -95},
      ProviderReport{.name = ProviderName("ibm-prod"),
                     .kind = "ibm-key-protect",
                     .reachable = false,
                     .last_error = "cannot connect: Connection refused",
                     .last_inventory = std::nullopt,
                     .keys = 1,
                     .calls = {.calls = 3, .retries = 2, .failed = 3},
                     .resource_calls = std::nullopt,
                     .clock_offset_s = std::nullopt}};
  s.dek_stores = {
      DekStoreReport{.name = DekStoreName("orders"), .defects = {}, .defects_total = 0},
      DekStoreReport{
          .name = DekStoreName("cards"), .defects = {"a/17.json: is not JSON"}, .defects_total = 3}};
  s.holds = {HoldReport{.name = "too_many_due:policy:payments",
                        .kind = HoldKind::too_many_due,
                        .scope = "policy payments",
                        .since = at("2026-03-01T09:00:00Z"),
                        .sentence = "this edit of the policies makes 6 of 8 keys due at once",
                        .next_try = std::nullopt,
                        .due_by_policy = {{"payments", 6}},
                        .details = {{"newly_due", "6"}}},
             HoldReport{.name = "circuit_open:provider:ibm-prod",
                        .kind = HoldKind::circuit_open,
                        .scope = "provider ibm-prod",
                        .since = at("2026-03-02T00:30:00Z"),
                        .sentence = "5 rotations of provider ibm-prod failed one after the other",
                        .next_try = at("2026-03-02T01:15:00Z"),
                        .due_by_policy = {},
                        .details = {{"failures", "5"}}}};
  for (KeyReport const& each : sample_keys()) {
    if (each.verdict.status != KeyStatus::ready && each.verdict.status != KeyStatus::observed) {
      s.attention.push_back(each);
    }
  }
  return s;
}

PlanReport sample_plan() {
  PlanReport p;
  p.from = at("2026-03-02T01:02:03Z");
  p.until = at("2027-03-02T01:02:03Z");
  p.keys_without_policy = 1;
  p.findings = {"policies 'a' and 'b' claim azure-prod/payments-eu/cmk-x at the same precision"};
  p.entries = {PlanEntry{.key = KeyRef::parse("azure-prod/payments-eu/cmk-old").value(),
                         .name = "cmk-old",
                         .policy = "payments",
                         .every_months = 1,
                         .mode = Mode::enforce,
                         .at = at("2026-01-31T00:00:00Z"),
                         .past_due = true,
                         .why = "1 month after version 0f1e2d3c"},
               PlanEntry{.key = KeyRef::parse("azure-prod/payments-eu/cmk-watched").value(),
                         .name = "cmk-watched",
                         .policy = "watch",
                         .every_months = 12,
                         .mode = Mode::observe,
                         .at = at("2026-12-01T08:00:00Z"),
                         .past_due = false,
                         .why = "12 months after version 0f1e2d3c"},
               PlanEntry{.key = KeyRef::parse("ibm-prod/kp-eu/7c1d9b52").value(),
                         .name = "crk-orders",
                         .policy = "orders",
                         .every_months = 12,
                         .mode = Mode::delegate,
                         .at = at("2026-12-02T00:00:00Z"),
                         .past_due = false,
                         .why = "by the provider"}};
  p.downtimes = {
      DowntimeReport{.key = KeyRef::parse("azure-prod/payments-eu/cmk-old").value(),
                     .at = at("2026-03-02T01:02:03Z"),
                     .rotations = 12,
                     .resource = ResourceId("/subscriptions/s/resourcegroups/g/providers/microsoft.compute/"
                                            "diskencryptionsets/des-cvm"),
                     .machines = {ResourceId("/subscriptions/s/virtualmachines/cvm-1"),
                                  ResourceId("/subscriptions/s/virtualmachines/cvm-2")},
                     .stopped_by_us = true,
                     .longest = std::chrono::minutes(30),
                     .last = std::chrono::seconds(95)},
      DowntimeReport{.key = KeyRef::parse("azure-prod/payments-eu/cmk-old").value(),
                     .at = at("2026-03-02T01:02:03Z"),
                     .rotations = 1,
                     .resource = ResourceId("/subscriptions/s/diskencryptionsets/des-hands-off"),
                     .machines = {ResourceId("/subscriptions/s/virtualmachines/cvm-3")},
                     .stopped_by_us = false,
                     .longest = std::chrono::minutes(30),
                     .last = std::nullopt}};
  p.retirements = {{.key = KeyRef::parse("azure-prod/payments-eu/cmk-old").value(),
                    .version = VersionId("1f2e3d4c"),
                    .by = RetireBy::disabling,
                    .at = p.from,
                    .held_by = "/subscriptions/s/diskencryptionsets/des-1 uses it"},
                   {.key = KeyRef::parse("azure-prod/payments-eu/cmk-old").value(),
                    .version = VersionId("2f2e3d4c"),
                    .by = RetireBy::expiry,
                    .at = at("2026-12-31T00:00:00Z"),
                    .held_by = ""}};
  return p;
}

ReloadAnswer sample_reload() {
  return {.applied = true,
          .diagnostics = {},
          .warnings = {"4 keys more are due under the new policies"},
          .policies = 3,
          .policy_digest = "9f86d081",
          .counts = {{"due", 4}, {"ready", 3}}};
}

}  // namespace rekeyd::test
