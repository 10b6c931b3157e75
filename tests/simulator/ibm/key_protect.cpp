#include "tests/simulator/ibm/key_protect.hpp"

#include "tests/simulator/crypto.hpp"
#include "tests/simulator/ibm/names.hpp"
#include "tests/simulator/ibm/registration.hpp"
#include "tests/simulator/ibm/routes.hpp"
#include "tests/simulator/ibm/wdek.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

Answer no_crypto_units() {
  return {
      503, {{"Content-Type", "text/plain"}}, "no healthy upstream: the crypto units are not initialized\n"};
}

/// Does this host name, and the port beside it, lead to the instance?
HostName const* name_used(std::vector<HostName> const& names, Request const& request,
                          Instance::Settings const& settings) {
  auto const found = std::ranges::find(names, request.host, &HostName::name);
  if (found == names.end()) return nullptr;
  auto const port = port_suffix(request.authority);
  if (found->by_port && settings.port && !port.empty() && port != fmt::format(":{}", *settings.port)) {
    return nullptr;
  }
  return &*found;
}

bool network_allows(Instance const& instance, HostName const& name) {
  auto const* policy = instance.policy_in_force("allowedNetwork");
  return policy == nullptr || policy->allowed_network != "private-only" || name.private_network;
}

bool may(Identity const& caller, Need need) {
  switch (need) {
    case Need::reader:
      return true;
    case Need::reader_plus:
      return caller.role >= Role::reader_plus;
    case Need::writer:
      return caller.role >= Role::writer;
    case Need::manager:
      return caller.role == Role::manager;
    case Need::key_purge:
      return caller.may_purge;
    case Need::service:
      return false;
  }
  return false;
}

Refusal refuse_caller(Need need, Oddities const& oddities) {
  if (need == Need::service) {
    return refuse(403, "SERVICE_ONLY_ERR", "This action can only be performed by a service").error();
  }
  return refuse(oddities.missing_role_status, "", "The user does not have access to the specified resource")
      .error();
}

Outcome perform(Instance& instance, Route const& route, Call const& call) {
  if (auto const* operation = std::get_if<InstanceOperation>(&route.operation)) {
    return (*operation)(instance, call);
  }
  auto* key = instance.find(call.captures.at(0), call.now);
  bool const other_ring = key != nullptr && !call.key_ring().empty() && key->ring != call.key_ring();
  if (key == nullptr || other_ring) return refuse_unknown_key();
  return std::get<KeyOperation>(route.operation)(instance, *key, call);
}

/// The checks of the two headers that come before any operation. Nothing: all is well.
std::optional<Answer> header_objection(Request const& request) {
  constexpr Oddities plain;
  auto const authorization = request.header("Authorization");
  if (authorization.empty()) return unauthorized();
  if (bearer_token(request).empty()) {
    auto const refusal = refuse(400, "BEARER_SUB_EXTRACTION_ERR", "The bearer token could not be read");
    return to_answer(refusal.error(), "Token could not be parsed", plain);
  }
  if (!is_uuid(request.header("Bluemix-Instance"))) {
    auto const refusal = refuse(400, "", "The header 'Bluemix-Instance' must be: the UUID of an instance");
    return to_answer(refusal.error(), "Invalid header", plain);
  }
  return std::nullopt;
}

json::object key_state(Key const& key) {
  json::array versions;
  for (auto const& version : key.versions) {
    versions.push_back({{"id", version.id}, {"created", to_rfc3339(version.created)}});
  }
  json::array registrations;
  for (auto const& registration : key.registrations) {
    registrations.push_back({{"crn", registration.resource_crn},
                             {"profile", to_text(registration.profile)},
                             {"prevents_deletion", registration.prevents_deletion},
                             {"version", registration.version_id}});
  }
  json::object object{{"id", key.id},
                      {"name", key.name},
                      {"state", static_cast<int>(key.state)},
                      {"kind", key.extractable ? "standard" : "root"},
                      {"imported", key.imported},
                      {"created", to_rfc3339(key.created.at)},
                      {"versions", std::move(versions)},
                      {"registrations", std::move(registrations)}};
  if (!key.extractable) object["current_version"] = key.newest().id;
  return object;
}

KeyTruth truth_of(Key key, std::string const& prefix, Instant now) {
  settle(key, now);  // time passes on a copy: to look must change nothing
  KeyTruth truth;
  truth.reference = prefix + "/" + key.id;
  for (auto const& version : key.versions) truth.versions.push_back({version.id, version.created});
  for (auto const& registration : key.registrations) {
    truth.registrations.push_back(
        {registration.resource_crn, registration.version_id, registration.prevents_deletion});
  }
  truth.current = key.newest().id;
  truth.usable = key.state == KeyState::active;
  return truth;
}

json::object instance_state(Instance const& instance, Instant now) {
  json::array keys;
  for (auto const& [id, key] : instance.keys_as_they_are()) {
    auto copy = key;  // time passes on a copy: to look must change nothing
    settle(copy, now);
    keys.emplace_back(key_state(copy));
  }
  auto const& settings = instance.settings();
  return {{"name", settings.name},
          {"id", settings.id},
          {"flavour", settings.flavour->name},
          {"provider", settings.envelope_provider},
          {"keys", std::move(keys)}};
}

}  // namespace

KeyProtect::KeyProtect(std::shared_ptr<TokenAuthority> tokens, Randomness& random)
    : tokens_(std::move(tokens)), random_(random) {}

Instance& KeyProtect::add(Instance instance) {
  auto id = instance.settings().id;
  return instances_.emplace(std::move(id), std::move(instance)).first->second;
}

std::vector<std::string> KeyProtect::hosts() const {
  std::set<std::string> names;
  for (auto const& [id, instance] : instances_) {
    for (auto& host : host_names(instance.flavour(), instance.settings().region, id)) {
      names.insert(std::move(host.name));
    }
  }
  return {names.begin(), names.end()};
}

bool KeyProtect::serves(std::string_view host) const {
  if (is_regional_host(host)) return true;
  return std::ranges::any_of(instances_, [host](auto const& entry) {
    auto const names = host_names(entry.second.flavour(), entry.second.settings().region, entry.first);
    return std::ranges::find(names, host, &HostName::name) != names.end();
  });
}

// A Dedicated instance without crypto units has nothing behind its host name, not even an error body.
bool KeyProtect::is_uninitialised(std::string_view host) const {
  return std::ranges::any_of(instances_, [host](auto const& entry) {
    auto const& settings = entry.second.settings();
    return !settings.initialised && host.starts_with(entry.first) && host[entry.first.size()] == '.';
  });
}

Instance* KeyProtect::addressed(Request const& request) {
  auto const found = instances_.find(lower(request.header("Bluemix-Instance")));
  if (found == instances_.end()) return nullptr;
  auto& instance = found->second;
  auto const names = host_names(instance.flavour(), instance.settings().region, found->first);
  auto const* name = name_used(names, request, instance.settings());
  return name != nullptr && network_allows(instance, *name) ? &instance : nullptr;
}

Answer KeyProtect::route(Instance& instance, Request const& request, Identity const& caller, Instant now) {
  auto const& oddities = instance.settings().oddities;
  auto const target = parse_target(request.target);
  auto match = target ? find_route(request.method, *target) : std::nullopt;
  if (!match) {
    return to_answer(refuse(404, "", "There is no such operation").error(), "Page not found", oddities);
  }
  auto const& route = *match->route;
  Call const call{request, *target, caller, now, std::move(match->captures)};
  auto outcome = may(caller, route.need) ? perform(instance, route, call)
                                         : Outcome(std::unexpected(refuse_caller(route.need, oddities)));
  auto answer = outcome ? std::move(*outcome) : to_answer(outcome.error(), route.subject, oddities);
  answer.operation = route.name;
  return answer;
}

Answer KeyProtect::answer(Request const& request, Instant now) {
  if (is_uninitialised(request.host)) return no_crypto_units();
  if (auto objection = header_objection(request)) return std::move(*objection);
  auto const* caller = tokens_->identity(bearer_token(request), now);
  if (caller == nullptr || request.token_expired) return unauthorized();
  auto* instance = addressed(request);
  if (instance == nullptr) return unauthorized();
  if (!instance->throttle().admit(now)) {
    auto busy = refusal(429, request);
    if (auto hint = instance->throttle().hint(now)) busy.headers.emplace_back("Retry-After", *hint);
    return busy;
  }
  return route(*instance, request, *caller, now);
}

Answer KeyProtect::handle(Request const& request, Instant now) {
  auto result = answer(request, now);
  if (request.method == "HEAD") result.body.clear();
  auto const correlation = request.header("Correlation-Id");
  result.headers.emplace_back("Correlation-Id",
                              correlation.empty() ? random_.uuid() : std::string(correlation));
  return result;
}

Answer KeyProtect::refusal(unsigned status, Request const&) const {
  constexpr Oddities plain;
  if (status == 429) {
    return to_answer(refuse(429, "", "Please wait a few minutes and try again").error(), "Rate limit", plain);
  }
  return to_answer(refuse(status, "", "Please try again later").error(), "The service failed", plain);
}

json::value KeyProtect::state(Instant now) const {
  json::array list;
  for (auto const& [id, instance] : instances_) list.emplace_back(instance_state(instance, now));
  return {{"instances", std::move(list)}};
}

std::vector<KeyTruth> KeyProtect::keys_as_they_are(Instant now) const {
  std::vector<KeyTruth> all;
  for (auto const& [instance_id, instance] : instances_) {
    auto const& settings = instance.settings();
    for (auto const& [id, key] : instance.keys_as_they_are()) {
      if (!key.extractable)
        all.push_back(truth_of(key, settings.envelope_provider + "/" + settings.name, now));
    }
  }
  return all;
}

Key* KeyProtect::find_key(std::string const& instance, std::string const& key, Instant now) {
  auto const in = instances_.find(instance);
  if (in == instances_.end()) return nullptr;
  auto& keys = in->second.keys(now);
  auto const found = keys.find(key);
  return found == keys.end() || found->second.extractable ? nullptr : &found->second;
}

std::optional<Answer> KeyProtect::control(Request const& request, Instant now) {
  if (request.method != "POST" || request.target != "/registrations") return std::nullopt;
  auto const body = json_object(request.body);
  auto const text = [&](char const* name) {
    return body ? string_member(*body, name).value_or("") : std::string();
  };
  Key* const key = find_key(text("instance"), text("key"), now);
  std::string const crn = text("crn");
  std::string const wish = text("registered");
  if (key == nullptr || crn.empty()) return std::nullopt;
  std::erase_if(key->registrations, [&](Registration const& each) { return each.resource_crn == crn; });
  if (wish == "no") return Answer{204, {}, {}};
  Registration made;
  made.resource_crn = crn;
  made.created_by = service_identity(crn);
  made.created = now;
  made.last_updated = now;
  made.prevents_deletion = wish == "and prevents deletion";
  made.version_id = key->newest().id;
  key->registrations.push_back(std::move(made));
  return Answer{201, {}, {}};
}

void KeyProtect::grow_older(std::chrono::seconds by, Instant now) {
  for (auto& [id, instance] : instances_) {
    for (auto& [key_id, key] : instance.keys(now)) ibm::grow_older(key, by);
  }
}

std::vector<SeededDek> KeyProtect::seed_deks() {
  constexpr std::size_t dek_bytes = 32;
  std::vector<SeededDek> made;
  for (auto const& order : orders_) {
    auto const& instance = instances_.at(order.instance_id);
    auto const& settings = instance.settings();
    auto const& version = instance.keys_as_they_are().find(order.key_id)->second.newest();
    for (unsigned i = 0; i < order.count; ++i) {
      auto const dek = random_.bytes(dek_bytes);
      Envelope envelope{
          settings.envelope_provider, settings.name, order.key_id, version.id, {}, {}, order.aad};
      envelope.wdek = wrap_dek(version, dek, order.aad, random_);
      made.push_back({std::move(envelope), sha256_hex(dek)});
    }
  }
  return made;
}

std::optional<std::string> KeyProtect::unwrap_check(Envelope const& envelope) const {
  for (auto const& [id, instance] : instances_) {
    auto const& settings = instance.settings();
    if (envelope.vault != settings.name && envelope.vault != id) continue;
    auto const& keys = instance.keys_as_they_are();
    auto const key = keys.find(envelope.key);
    if (key == keys.end()) continue;
    auto const opened = unwrap_dek(key->second, envelope.wdek, envelope.aad);
    if (!opened || opened->version->id != envelope.key_version) return std::nullopt;
    return sha256_hex(opened->dek);
  }
  return std::nullopt;
}

}  // namespace rekeyd::sim::ibm
