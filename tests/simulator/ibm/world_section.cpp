#include "tests/simulator/ibm/world_section.hpp"

#include "tests/simulator/ibm/names.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/past.hpp"
#include "tests/simulator/section.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

namespace rekeyd::sim::ibm {

namespace {

constexpr auto usual_account = "a1b2c3d4e5f60718293a4b5c6d7e8f90";

template <class T>
T chosen(Section& section, std::string const& name, std::map<std::string, T> const& words,
         std::string const& usual) {
  std::set<std::string> known;
  for (auto const& [word, value] : words) known.insert(word);
  return words.at(section.word(name, known, usual));
}

std::optional<Instant> read_moment(Section& section, std::string const& name, Instant now) {
  if (!section.has(name)) return std::nullopt;
  auto const text = section.text(name);
  auto const moment = parse_moment(text, now);
  if (!moment) section.mistake(name, "a moment was expected: 'now', '14 months ago', 'in 3 days', a date");
  return moment;
}

/// Every version's moment: from created, versions and every.
std::vector<Instant> read_past(Section& section, Instant now) {
  auto const created = read_moment(section, "created", now).value_or(now);
  auto const versions = static_cast<unsigned>(section.number("versions", 1, 100'000, 1));
  std::optional<Span> every;
  if (section.has("every")) {
    every = parse_span(section.text("every"));
    if (!every) section.mistake("every", "a length of time was expected: '4 months', '30 days'");
  }
  if (created > now) section.mistake("created", "a moment in the past was expected");
  auto const times = version_times(created, versions, every, now);
  if (!times) section.mistake("versions", "the last of these versions would lie in the future");
  return times.value_or(std::vector{created});
}

std::optional<KeyRotationPolicy> read_rotation_policy(Section& section, Instant now) {
  auto policy = section.section("rotation_policy");
  if (!policy) return std::nullopt;
  KeyRotationPolicy result;
  result.enabled = policy->flag("enabled", true);
  result.interval_month = static_cast<int>(policy->number("interval_month", 1, 12, 12));
  result.created = result.updated = Stamp{"IBMid-seed", now};
  policy->finish();
  return result;
}

std::vector<RegistrationSeed> read_registrations(Section& section) {
  std::vector<RegistrationSeed> result;
  for (auto& entry : section.sections("registrations")) {
    RegistrationSeed seed;
    seed.crn = entry.text("crn");
    seed.profile = chosen<Profile>(entry, "profile",
                                   {{"fast", Profile::fast},
                                    {"slow", Profile::slow},
                                    {"never", Profile::never},
                                    {"stale", Profile::stale}},
                                   "fast");
    seed.description = entry.text("description", "");
    seed.prevents_deletion = entry.flag("prevents_deletion", false);
    entry.finish();
    result.push_back(std::move(seed));
  }
  return result;
}

void read_nature(Section& section, KeySeed& seed) {
  seed.imported = section.flag("imported", false);
  seed.extractable = section.flag("extractable", false);
  seed.state = chosen<KeyState>(section, "state",
                                {{"active", KeyState::active},
                                 {"suspended", KeyState::suspended},
                                 {"deactivated", KeyState::deactivated},
                                 {"destroyed", KeyState::destroyed}},
                                "active");
}

/// What cannot be together.
void check_key(Section& section, KeySeed const& seed) {
  if (!seed.id.empty() && !is_uuid(seed.id)) section.mistake("id", "a UUID was expected");
  if (!seed.id.empty() && seed.count > 1) section.mistake("id", "only one key can have this id");
  if (!seed.aliases.empty() && seed.count > 1) section.mistake("aliases", "only one key can have an alias");
  if (seed.name.size() < 2 || seed.name.size() > 90)
    section.mistake("name", "2 to 90 characters were expected");
  if (seed.rotation_policy && (seed.imported || seed.extractable)) {
    section.mistake("rotation_policy", "only a root key that the service generated can have one");
  }
  if (!seed.extractable) return;
  for (char const* field : {"deks", "registrations", "every", "versions"}) {
    if (section.has(field)) section.mistake(field, "a standard key (extractable: true) has none");
  }
}

KeySeed read_key(Section& section, Instant now) {
  KeySeed seed;
  seed.name = section.text("name");
  seed.id = lower(section.text("id", ""));
  seed.description = section.text("description", "");
  seed.versions = read_past(section, now);
  read_nature(section, seed);
  seed.tags = section.texts("tags");
  seed.aliases = section.texts("aliases");
  seed.ring = section.text("ring", "default");
  seed.expires = read_moment(section, "expires", now);
  seed.deleted = read_moment(section, "deleted", now);
  if (seed.deleted && seed.state != KeyState::destroyed) {
    section.mistake("deleted", "only a destroyed key has been deleted");
  }
  if (seed.state == KeyState::destroyed && !seed.deleted) seed.deleted = now;
  seed.rotation_policy = read_rotation_policy(section, now);
  seed.registrations = read_registrations(section);
  seed.deks = static_cast<unsigned>(section.number("deks", 0, 10'000'000, 0));
  seed.aad = section.texts("aad");
  seed.count = static_cast<unsigned>(section.number("count", 1, 1'000'000, 1));
  check_key(section, seed);
  section.finish();
  return seed;
}

Oddities read_oddities(Section& section) {
  Oddities result;
  auto odd = section.section("oddities");
  if (!odd) return result;
  using Dates = Oddities::Dates;
  using EmptyList = Oddities::EmptyList;
  using Order = Oddities::VersionOrder;
  result.dates = chosen<Dates>(*odd, "dates",
                               {{"zulu", Dates::zulu},
                                {"offset", Dates::offset},
                                {"fractions", Dates::fractions},
                                {"mixed", Dates::mixed}},
                               "zulu");
  result.empty_list = chosen<EmptyList>(*odd, "empty_list",
                                        {{"absent", EmptyList::absent},
                                         {"empty-array", EmptyList::empty_array},
                                         {"explicit-null", EmptyList::null}},
                                        "absent");
  result.version_order = chosen<Order>(*odd, "version_order",
                                       {{"newest-first", Order::newest_first},
                                        {"oldest-first", Order::oldest_first},
                                        {"shuffled", Order::shuffled}},
                                       "newest-first");
  result.first_version_is_key_id = odd->flag("first_version_is_key_id", true);
  result.code_with_leading_blank = odd->flag("code_with_leading_blank", false);
  result.reasons_missing = odd->flag("reasons_missing", false);
  result.reason_status_missing = odd->flag("reason_status_missing", false);
  result.registrations_without_version = odd->flag("registrations_without_version", false);
  result.missing_role_status =
      chosen<unsigned>(*odd, "missing_role_status", {{"401", 401U}, {"403", 403U}}, "403");
  odd->finish();
  return result;
}

Throttle read_rate(Section& section) {
  Throttle result;
  auto rate = section.section("rate");
  if (!rate) return result;
  using RetryAfter = Throttle::RetryAfter;
  result.per_second = static_cast<double>(rate->number("per_second", 1, 1'000'000, 100));
  result.burst = static_cast<double>(rate->number("burst", 1, 1'000'000, 100));
  result.retry_after = chosen<RetryAfter>(
      *rate, "retry_after",
      {{"absent", RetryAfter::absent}, {"seconds", RetryAfter::seconds}, {"date", RetryAfter::date}},
      "seconds");
  rate->finish();
  return result;
}

void read_flavour(Section& section, Instance::Settings& settings, Instant now) {
  auto const name = section.word("flavour", {"key-protect", "key-protect-dedicated", "hpcs"});
  settings.flavour = flavour_named(name);
  if (settings.flavour == nullptr) settings.flavour = &standard_flavour();
  bool const is_hpcs = settings.flavour == &hpcs_flavour();
  if (section.has("port")) {
    settings.port = static_cast<unsigned>(section.number("port", 8000, 19999, 8000));
    if (!is_hpcs) section.mistake("port", "only an HPCS instance has a port of its own");
  }
  settings.initialised = section.flag("initialised", true);
  if (!settings.initialised && settings.flavour != &dedicated_flavour()) {
    section.mistake("initialised", "only a Dedicated instance can be without crypto units");
  }
  settings.master_key_rotation_until = read_moment(section, "master_key_rotation_until", now);
  if (settings.master_key_rotation_until && !is_hpcs) {
    section.mistake("master_key_rotation_until", "only an HPCS instance has a master key");
  }
}

InstanceSeed read_instance(Section& section, std::string const& account, Instant now) {
  InstanceSeed seed;
  auto& settings = seed.settings;
  settings.name = section.text("name");
  settings.id = lower(section.text("id"));
  if (!is_uuid(settings.id)) section.mistake("id", "a UUID was expected");
  settings.region = section.text("region");
  settings.account = section.text("account", account);
  settings.envelope_provider = section.text("envelope_provider", "");
  read_flavour(section, settings, now);
  settings.throttle = read_rate(section);
  settings.oddities = read_oddities(section);
  seed.key_rings = section.texts("key_rings");
  std::set<std::string> const rings(seed.key_rings.begin(), seed.key_rings.end());
  for (auto& key : section.sections("keys")) {
    seed.keys.push_back(read_key(key, now));
    auto const& ring = seed.keys.back().ring;
    if (ring != "default" && !rings.contains(ring)) {
      key.mistake("ring", fmt::format("'{}' is not among the instance's key_rings", ring));
    }
    if (seed.keys.back().deks > 0 && settings.envelope_provider.empty()) {
      key.mistake("deks", "the instance needs an envelope_provider: the name that the envelopes carry");
    }
  }
  section.finish();
  return seed;
}

Identity read_identity(Section& section) {
  Identity identity;
  identity.role = chosen<Role>(section, "role",
                               {{"Reader", Role::reader},
                                {"ReaderPlus", Role::reader_plus},
                                {"Writer", Role::writer},
                                {"Manager", Role::manager}},
                               "Manager");
  identity.may_purge = section.flag("key_purge", false);
  return identity;
}

ApiKeySeed read_api_key(Section& section) {
  ApiKeySeed seed;
  seed.key = section.text("key");
  seed.identity = read_identity(section);
  seed.identity.iam_id = fmt::format("iam-{}", section.text("service_id"));
  section.finish();
  return seed;
}

TrustedProfile read_profile(Section& section) {
  TrustedProfile profile;
  profile.id = section.text("id");
  profile.name = section.text("name", profile.id);
  profile.identity = read_identity(section);
  profile.identity.iam_id = fmt::format("iam-{}", profile.id);
  for (auto const& token : section.texts("compute_tokens")) profile.compute_tokens.insert(token);
  profile.linked = section.flag("linked", false);
  profile.instance = section.flag("instance", profile.linked);
  section.finish();
  return profile;
}

}  // namespace

WorldSection read_world_section(YAML::Node const& ibm, Instant now, Mistakes& mistakes) {
  WorldSection result;
  Section top(ibm, "ibm", mistakes);
  auto const account = top.text("account", usual_account);
  result.token_lifetime = std::chrono::seconds(top.number("token_lifetime_s", 1, 86'400, 3600));
  for (auto& entry : top.sections("api_keys")) {
    result.api_keys.push_back(read_api_key(entry));
    result.api_keys.back().identity.account = account;
  }
  for (auto& entry : top.sections("trusted_profiles")) {
    result.profiles.push_back(read_profile(entry));
    result.profiles.back().identity.account = account;
  }
  std::set<std::string> ids;
  for (auto& entry : top.sections("instances")) {
    result.instances.push_back(read_instance(entry, account, now));
    if (!ids.insert(result.instances.back().settings.id).second) {
      entry.mistake("id", "another instance has this id");
    }
  }
  top.finish();
  return result;
}

}  // namespace rekeyd::sim::ibm
