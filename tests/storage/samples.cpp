#include "tests/storage/samples.hpp"

#include <catch2/catch.hpp>

namespace rekeyd::storage::test {

namespace {

Change full_facts() {
  Change change;
  change.keys = {stored_key(ledger()), stored_key(backups())};
  change.versions = {stored_version(ledger(), "v1", moment(-9'000'000)),
                     stored_version(ledger(), "v2", moment(60))};
  change.versions[1].made_by = MadeBy::rekeyd;
  change.versions[1].rotation = RotationId("r-1");
  change.versions.push_back(stored_version(backups(), "b1", moment(-20'000'000)));
  Registration disk;
  disk.key = ledger();
  disk.resource = ResourceId("/subscriptions/s/diskEncryptionSets/des-1");
  disk.kind = "disk-encryption-set";
  disk.version = VersionId("v1");
  disk.prevents_deletion = true;
  disk.updated = moment(5);
  disk.following = Following::when_told_at_rest;
  disk.condition = {"partly_moved", "a change of key has not come to its end", "ask for it again"};
  disk.tied = {ResourceId("/subscriptions/s/disks/d-1"), ResourceId("/subscriptions/s/virtualmachines/vm-1")};
  disk.details = {{"encryption_type", "ConfidentialVmEncryptedWithCustomerKey"}};
  Registration bucket = disk;
  bucket.resource = ResourceId("dek-store:orders");
  bucket.kind = "dek-store";
  bucket.version = VersionId("v2");
  bucket.prevents_deletion = false;
  bucket.following = Following::by_itself;
  bucket.condition.reset();
  bucket.tied.clear();
  bucket.details.clear();
  change.registrations = {disk, bucket};
  return change;
}

}  // namespace

Instant moment(int seconds) { return Instant(std::chrono::seconds(1'772'323'200 + seconds)); }

KeyRef ledger() { return *KeyRef::parse("azure-prod/payments-eu/cmk-ledger"); }
KeyRef backups() { return *KeyRef::parse("ibm-prod/backups/0f6c2c1e-7a52-4a0c-9d43-6a1f1f2a9b11"); }

StoredKey stored_key(KeyRef const& ref) {
  StoredKey stored;
  stored.key.ref = ref;
  stored.key.name = ref.id.str();
  stored.key.type = {KeyAlgorithm::rsa, 3072, Protection::hsm};
  stored.key.tags = {{"tier", "pci"}, {"owner", "payments"}};
  stored.key.operations = {"wrapKey", "unwrapKey"};
  stored.key.current = VersionId("v2");
  stored.key.current_created = moment(60);
  stored.first_seen = moment(0);
  stored.last_seen = moment(100);
  if (ref == backups()) stored.replaced = Replaced{ledger(), moment(95)};
  return stored;
}

StoredVersion stored_version(KeyRef const& ref, std::string const& id, Instant created) {
  StoredVersion stored;
  stored.key = ref;
  stored.version.id = VersionId(id);
  stored.version.created = created;
  return stored;
}

Rotation open_rotation(KeyRef const& ref, std::string const& id) {
  Rotation rotation;
  rotation.id = RotationId(id);
  rotation.key = ref;
  rotation.policy = PolicyName("payments");
  rotation.requested_by = "policy";
  rotation.reason = "3 months are over";
  rotation.due = moment(10);
  rotation.base_version = VersionId("v1");
  rotation.known_versions = {VersionId("v1")};
  rotation.opened = moment(20);
  rotation.updated = moment(20);
  return rotation;
}

HistoryEvent event(EventKind kind, Instant at, KeyRef const& ref) {
  HistoryEvent happened;
  happened.at = at;
  happened.kind = kind;
  happened.key = ref;
  happened.actor = "rekeyd";
  happened.sentence = std::string(to_text(kind)) + " happened to " + ref.text();
  return happened;
}

HistoryEvent full_event(Instant at) {
  HistoryEvent happened = event(EventKind::step_failed, at, ledger());
  happened.outcome = EventOutcome::failed;
  happened.version = VersionId("v2");
  happened.policy = PolicyName("payments");
  happened.rotation = RotationId("r-1");
  happened.step = "rotate";
  happened.error_code = "Throttled";
  happened.request_id = "6d5f-11";
  happened.details = {{"http_status", "429"}, {"retry_after_s", "7"}};
  return happened;
}

PreviousDek previous_dek(KeyRef const& ref, std::string const& id, RotationId const& rotation) {
  PreviousDek previous;
  previous.store = DekStoreName("orders");
  previous.before.id = DekId(id);
  previous.before.key = ref;
  previous.before.version = VersionId("v1");
  previous.before.algorithm = "RSA-OAEP-256";
  previous.before.ciphertext = "QUJD" + id;
  previous.before.aad = {"tenant", id};
  previous.after_version = VersionId("v2");
  previous.rotation = rotation;
  previous.replaced_at = moment(70);
  return previous;
}

MachineStop full_stop() {
  MachineStop stop;
  stop.rotation = RotationId("r-1");
  stop.resource = ResourceId("/subscriptions/s/diskEncryptionSets/des-1");
  stop.machine = ResourceId("/subscriptions/s/virtualMachines/vm-1");
  stop.ran = false;
  stop.asked_at = moment(61);
  stop.in_doubt = moment(62);
  stop.at_rest = moment(63);
  stop.start_asked_at = moment(64);
  stop.running_at = moment(65);
  stop.ended_at = moment(66);
  stop.outcome = "running";
  stop.message = "it was slow";
  stop.request_id = "req-10";
  return stop;
}

Change full_change() {
  Change change = full_facts();
  Rotation done = open_rotation(ledger(), "r-1");
  done.new_version = VersionId("v2");
  done.new_version_made_by = MadeBy::rekeyd;
  done.step = Step::verify;
  done.state = RotationState::done;
  done.ended = moment(90);
  Rotation blocked = open_rotation(backups(), "r-2");
  blocked.state = RotationState::blocked;
  blocked.successor = ledger();
  blocked.wanted = WantedKey{ProviderName("azure-prod"), VaultName("payments-eu"), "cmk-ledger"};
  blocked.blocked_reason = "access_denied";
  blocked.message = "the provider refuses";
  blocked.remedy = "grant the role Manager";
  blocked.waits_for = WaitsFor::stopped_vm;
  blocked.at_rest = ResourceId("/subscriptions/s/diskEncryptionSets/des-2");
  blocked.pending_end = PendingEnd{RotationState::abandoned, "downtime_over", "too long", "look at it"};
  change.rotations = {done, blocked};
  change.steps = {{RotationId("r-1"), Step::claim, 1, moment(20), moment(20), "done", ""},
                  {RotationId("r-1"), Step::rotate, 1, moment(40), moment(50), "again", "throttled"},
                  {RotationId("r-1"), Step::rotate, 2, moment(55), moment(60), "done", ""},
                  {RotationId("r-2"), Step::preflight, 1, moment(30), std::nullopt, "", ""}};
  ResourceChange failed;
  failed.rotation = RotationId("r-1");
  failed.resource = ResourceId("/subscriptions/s/diskEncryptionSets/des-1");
  failed.to = VersionId("v2");
  failed.asked_at = moment(61);
  failed.operation = "status https://management.azure.com/subscriptions/s/operations/1";
  failed.ended_at = moment(70);
  failed.outcome = "failed";
  failed.message = "a machine is running";
  failed.request_id = "req-9";
  ResourceChange asked = failed;
  asked.attempt = 2;
  asked.prepares = true;
  asked.asked_at = moment(80);
  asked.operation.clear();
  asked.ended_at.reset();
  asked.outcome.clear();
  asked.message.clear();
  asked.request_id.clear();
  change.resource_changes = {failed, asked};
  change.machine_stops = {full_stop()};
  change.previous_deks = {previous_dek(ledger(), "d1", RotationId("r-1"))};
  change.events = {event(EventKind::key_found, moment(0), ledger()), full_event(moment(50)),
                   event(EventKind::rotation_done, moment(90), ledger()),
                   event(EventKind::rotation_blocked, moment(95), backups())};
  return change;
}

std::unique_ptr<Store> open_or_fail(std::filesystem::path const& database) {
  OpenOptions options;
  options.path = database;
  auto store = open_sqlite_store(options);
  if (!store) FAIL(to_text(store.error()));
  return std::move(*store);
}

void commit_or_fail(Store& store, Change const& change) {
  auto const committed = store.commit(change);
  if (!committed) FAIL(to_text(committed.error()));
}

std::string Dice::text() {
  std::string out;
  for (int left = below(12); left > 0; --left) {
    // Every byte but mostly letters: quotes, NULs and broken UTF-8 must come back as they went in.
    out += below(4) == 0 ? static_cast<char>(below(256)) : static_cast<char>('a' + below(26));
  }
  return out;
}

StoredKey Dice::key(KeyRef const& ref) {
  StoredKey stored;
  RootKey& key = stored.key;
  key.ref = ref;
  key.name = text();
  key.state = static_cast<KeyState>(below(5));
  stored.admitted = flip();
  key.type = {static_cast<KeyAlgorithm>(below(4)), static_cast<unsigned>(below(5000)),
              static_cast<Protection>(below(2))};
  key.origin = static_cast<Origin>(below(2));
  for (int left = below(4); left > 0; --left) key.tags[text()] = text();
  for (int left = below(4); left > 0; --left) key.operations.insert(text());
  key.current = maybe([this] { return VersionId(text()); });
  key.current_created = maybe([this] { return instant(); });
  key.expires = maybe([this] { return instant(); });
  key.last_rotated = maybe([this] { return instant(); });
  key.provider_rotation = maybe([this] {
    ProviderRotation rule{flip(), text()};
    rule.months = maybe([this] { return below(100); });
    rule.days = maybe([this] { return below(4000); });
    rule.since = maybe([this] { return instant(); });
    return rule;
  });
  key.exportable = flip();
  key.release_policy = flip() ? "e3b0c442" : "";
  key.managed_elsewhere = flip();
  key.key_ring = text();
  stored.first_seen = instant();
  stored.last_seen = instant();
  stored.gone = flip();
  return stored;
}

KeyVersion Dice::version(std::string const& id) {
  KeyVersion version;
  version.id = VersionId(id);
  version.created = instant();
  version.enabled = flip();
  version.not_before = maybe([this] { return instant(); });
  version.expires = maybe([this] { return instant(); });
  version.operation = maybe([this] { return RotationId(text()); });
  return version;
}

Registration Dice::registration(KeyRef const& ref, std::string const& resource) {
  Registration registration;
  registration.key = ref;
  registration.resource = ResourceId(resource);
  registration.kind = text();
  registration.version = maybe([this] { return VersionId(text()); });
  registration.prevents_deletion = flip();
  registration.updated = maybe([this] { return instant(); });
  registration.following = flip() ? Following::by_itself : Following::when_told_at_rest;
  registration.condition = maybe([this] { return ResourceCondition{text(), text(), text()}; });
  for (int i = below(3); i > 0; --i) registration.tied.emplace_back(text());
  if (flip()) registration.details[text()] = text();
  return registration;
}

Rotation Dice::rotation(KeyRef const& ref, std::string const& id) {
  Rotation rotation;
  rotation.id = RotationId(id);
  rotation.key = ref;
  rotation.policy = PolicyName(text());
  rotation.trigger = static_cast<Trigger>(below(3));
  rotation.requested_by = text();
  rotation.reason = text();
  rotation.due = maybe([this] { return instant(); });
  rotation.base_version = maybe([this] { return VersionId(text()); });
  for (int left = below(4); left > 0; --left) rotation.known_versions.emplace_back(text());
  rotation.new_version = maybe([this] { return VersionId(text()); });
  rotation.new_version_made_by = static_cast<MadeBy>(below(4));
  rotation.step = static_cast<Step>(below(5));
  rotation.state = static_cast<RotationState>(1 + below(3));  // not open: a key has only one of these
  rotation.attempts = below(9);
  rotation.sent = maybe([this] { return RequestsSent{instant(), instant()}; });
  rotation.next_try = maybe([this] { return instant(); });
  rotation.blocked_reason = text();
  rotation.message = text();
  rotation.remedy = text();
  rotation.opened = instant();
  rotation.updated = instant();
  rotation.ended = maybe([this] { return instant(); });
  return rotation;
}

HistoryEvent Dice::event(KeyRef const& ref) {
  HistoryEvent happened;
  happened.at = instant();
  happened.kind = static_cast<EventKind>(below(24));
  happened.outcome = static_cast<EventOutcome>(below(3));
  happened.key = maybe([&] { return ref; });
  happened.version = maybe([this] { return VersionId(text()); });
  happened.policy = PolicyName(text());
  happened.rotation = maybe([this] { return RotationId(text()); });
  happened.step = text();
  happened.actor = text();
  happened.sentence = text();
  happened.error_code = text();
  happened.request_id = text();
  for (int left = below(4); left > 0; --left) happened.details[text()] = text();
  return happened;
}

}  // namespace rekeyd::storage::test
