#include "tests/rehearsal/model_parts.hpp"
#include "tests/simulator/ibm/iam.hpp"
#include "tests/simulator/ibm/key_protect.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <algorithm>
#include <charconv>

namespace rekeyd::rehearsal {

namespace ibm = sim::ibm;

namespace {

constexpr char const* region = "us-south";
constexpr char const* account = "3f5a0c9e7d1b4826a0e4c7b9d2f61835";
constexpr char const* api_key = "of-the-model-alone";
constexpr char const* maker = "IBMid-model";
constexpr std::size_t key_bytes = 32;

ibm::Flavour const& flavour_of(config::ProviderKind kind) {
  if (kind == config::ProviderKind::ibm_hpcs) return ibm::hpcs_flavour();
  if (kind == config::ProviderKind::ibm_key_protect_dedicated) return ibm::dedicated_flavour();
  return ibm::standard_flavour();
}

ibm::KeyState state_of(KeyState state) {
  switch (state) {
    case KeyState::suspended:
      return ibm::KeyState::suspended;
    case KeyState::deactivated:
      return ibm::KeyState::deactivated;
    case KeyState::destroyed:
      return ibm::KeyState::destroyed;
    case KeyState::active:
    case KeyState::pre_activation:
      break;
  }
  return ibm::KeyState::active;
}

/// "3 months of 30 days", in the daemon's words for it.
std::optional<int> months_of(std::string const& interval) {
  int months = 0;
  auto const [end, problem] = std::from_chars(interval.data(), interval.data() + interval.size(), months);
  return problem == std::errc() && months > 0 ? std::optional(months) : std::nullopt;
}

void give_policy(ibm::Key& key, std::optional<ProviderRotation> const& rotation, sim::Randomness& random) {
  if (!rotation) return;
  ibm::KeyRotationPolicy policy;
  policy.id = random.uuid();
  policy.enabled = rotation->enabled;
  policy.interval_month = months_of(rotation->interval);
  policy.created = policy.updated = key.created;
  key.rotation_policy = std::move(policy);
}

void give_registrations(ibm::Key& key, KnownKey const& known) {
  for (Registration const& tie : known.registrations) {
    if (!tie.resource.str().starts_with("crn:")) continue;  // one of ours: a store of WDEKs
    ibm::Registration registration;
    registration.resource_crn = tie.resource.str();
    registration.created_by = ibm::service_identity(registration.resource_crn);
    registration.created = key.created.at;
    registration.last_updated = tie.updated.value_or(key.created.at);
    registration.prevents_deletion = tie.prevents_deletion;
    registration.version_id = tie.version ? tie.version->str() : key.newest().id;
    key.registrations.push_back(std::move(registration));
  }
}

ibm::Key model_key(KnownKey const& known, sim::Randomness& random) {
  RootKey const& root = known.stored.key;
  ibm::Key key{.id = root.ref.id.str(), .name = root.name};
  for (auto const& [name, value] : root.tags) key.tags.push_back(value.empty() ? name : name + ":" + value);
  if (!root.key_ring.empty()) key.ring = root.key_ring;
  key.imported = root.origin == Origin::imported;
  key.created = {maker, known.stored.versions.front().created};
  key.seen_from = key.created.at;
  key.last_updated = known.stored.versions.back().created;
  key.expires = root.expires;
  key.last_rotated = root.last_rotated;
  for (KeyVersion const& version : known.stored.versions)
    key.versions.push_back({version.id.str(), version.created, random.bytes(key_bytes), version.created});
  key.state = state_of(root.state);
  if (key.state == ibm::KeyState::suspended) key.suspended_at = key.last_updated;
  if (key.state == ibm::KeyState::destroyed) key.deleted = ibm::Stamp{maker, known.stored.last_seen};
  give_policy(key, root.provider_rotation, random);
  give_registrations(key, known);
  return key;
}

/// One entry of the daemon's settings is one instance of the model.
class Instances {
 public:
  Instances(ibm::KeyProtect& service, ModelParts& parts) : service_(service), parts_(parts) {}

  void add(config::ProviderSettings const& provider, config::IbmInstance& entry) {
    ibm::Instance::Settings settings;
    settings.name = entry.name.str();
    settings.id = sim::lower(entry.id);
    settings.region = region;
    settings.account = account;
    settings.flavour = &flavour_of(provider.kind);
    settings.envelope_provider = provider.name.str();
    entry.url = "https://" + ibm::host_names(*settings.flavour, region, settings.id).front().name;
    parts_.vaults.emplace(std::pair(provider.name.str(), settings.name), entry.name);
    ibm::Instance& instance = service_.add(ibm::Instance(settings, parts_.model.cloud->random(), parts_.now));
    for_keys_of(parts_.state, provider.name, entry.name,
                [&](KnownKey const& known) { add_key(instance, known); });
  }

 private:
  void add_key(ibm::Instance& instance, KnownKey const& known) {
    KeyRef const& ref = known.stored.key.ref;
    if (known.stored.versions.empty()) {
      parts_.model.left_out.insert(ref);
      return;
    }
    ibm::Key const& key = instance.add(model_key(known, parts_.model.cloud->random()));
    instance.key_rings.emplace(key.ring, ibm::Stamp{maker, key.created.at});
    if (auto const deks = static_cast<unsigned>(parts_.deks.of(ref)); deks > 0)
      service_.order_deks({instance.settings().id, key.id, deks, {}});
  }

  ibm::KeyProtect& service_;
  ModelParts& parts_;
};

}  // namespace

void model_ibm(ModelParts& parts) {
  sim::Cloud& cloud = *parts.model.cloud;
  constexpr std::chrono::seconds token_lifetime(3600);
  auto tokens = std::make_shared<ibm::TokenAuthority>(token_lifetime, cloud.random());
  tokens->add_api_key(api_key, {"iam-ServiceId-model", account});
  auto service = std::make_unique<ibm::KeyProtect>(tokens, cloud.random());
  Instances instances(*service, parts);
  bool any = false;
  for (config::ProviderSettings& provider : parts.model.settings.providers) {
    auto* const settings = std::get_if<config::IbmSettings>(&provider.cloud);
    if (settings == nullptr) continue;
    any = true;
    settings->credentials = {config::IbmApiKey{{config::SecretReference::Kind::file, ibm_secret}}};
    for (config::IbmInstance& entry : settings->instances) instances.add(provider, entry);
  }
  if (!any) return;
  cloud.add(std::make_unique<ibm::Iam>(tokens, std::vector<ibm::TrustedProfile>(),
                                       std::vector<std::string>{region}, cloud.random()));
  cloud.add(std::move(service));
  parts.model.secrets[ibm_secret] = api_key;
}

}  // namespace rekeyd::rehearsal
