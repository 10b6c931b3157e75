#include "tests/simulation/people.hpp"

#include "tests/simulator/message.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <iterator>

namespace rekeyd::simulation {

namespace json = boost::json;
using namespace std::chrono_literals;

namespace {

constexpr char const* api_version = "?api-version=7.5";

std::string name_in(std::string const& key) { return key.substr(key.rfind('/') + 1); }

sim::Request token_request(Place const& place, std::string const& secret) {
  sim::Request request{.method = "POST"};
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  if (place.azure) {
    request.host = "login.microsoftonline.com";
    request.target = "/" + place.tenant + "/oauth2/v2.0/token";
    std::string const audience = place.host.ends_with("managedhsm.azure.net") ? "managedhsm" : "vault";
    request.body = fmt::format(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2F{}.azure.net%2F."
        "default",
        place.client, secret, audience);
  } else {
    request.host = "iam.cloud.ibm.com";
    request.target = "/identity/token";
    request.body = "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=" + secret;
  }
  request.authority = request.host;
  return request;
}

}  // namespace

People::People(Scene& scene, sim::Cloud& cloud, Home& home, Scenario const& scenario)
    : scene_(scene), cloud_(cloud), home_(home), scenario_(scenario) {}

void People::begin() {
  PeopleChances const& chances = scenario_.people;
  if (scenario_.policies.size() > 1) often(chances.policy_edits_a_year, &People::edit_policies);
  often(chances.rotations_a_year, &People::rotate);
  often(chances.disablings_a_year, &People::disable);
  often(chances.deletions_a_year, &People::remove);
  often(chances.taggings_a_year, &People::tag);
  often(chances.registrations_a_year, &People::change_registration);
  often(chances.machine_acts_a_year, &People::touch_machine);
  often(chances.replacements_a_year, &People::replace);
}

void People::often(std::uint64_t times_a_year, Act act) {
  if (times_a_year == 0 || resting_) return;
  auto const when = scene_.universe.in(until_next(scene_.universe.people, times_a_year));
  scene_.universe.happenings.at(when, [this, times_a_year, act] {
    if (resting_) return;
    (this->*act)();
    often(times_a_year, act);
  });
}

void People::did(std::string const& what) { scene_.universe.trace.line("a person " + what); }

std::string People::some_key() {
  auto const& keys = scene_.truth.keys();
  auto const chosen =
      std::next(keys.begin(), static_cast<std::ptrdiff_t>(scene_.universe.people.below(keys.size())));
  return chosen->second.root ? chosen->first : "";
}

void People::edit_policies() {
  policies_ = scene_.universe.people.below(scenario_.policies.size());
  home_.write_policies(scenario_.policies[policies_]);
  did(fmt::format("puts policy files {} in place", policies_));
  on_new_policies();
}

void People::rotate() {
  std::string const key = some_key();
  if (key.empty() || disabled_.contains(key) || removed_.contains(key)) return;
  Place const& place = *scene_.addresses.of_key(key);
  std::string const target = place.azure ? "/keys/" + name_in(key) + "/rotate" + api_version
                                         : "/api/v2/keys/" + name_in(key) + "/actions/rotate";
  bool const done = ask(place, "POST", target, "");
  did(fmt::format("rotates {}{}", key, done ? "" : ", in vain"));
}

std::string People::enabled_path(std::string const& key) const {
  return "/keys/" + name_in(key) + "/" + scene_.truth.find(key)->current + api_version;
}

// An answer may be lost: people look at what came of it.
bool People::usable(std::string const& key) const { return scene_.truth.find(key)->usable; }

void People::disable() {
  std::string const key = some_key();
  if (key.empty() || disabled_.contains(key) || removed_.contains(key)) return;
  Place const& place = *scene_.addresses.of_key(key);
  std::string const version = enabled_path(key);
  place.azure ? ask(place, "PATCH", version, R"({"attributes":{"enabled":false}})")
              : ask(place, "POST", "/api/v2/keys/" + name_in(key) + "/actions/disable", "");
  if (usable(key)) return;
  disabled_[key] = version;
  did("disables " + key);
  auto const back = scene_.universe.in(between(scene_.universe.people, 1min, 24h * 10));
  scene_.universe.happenings.at(back, [this, key] { enable(key); });
}

void People::enable(std::string const& key) {
  if (!disabled_.contains(key)) return;
  Place const& place = *scene_.addresses.of_key(key);
  place.azure ? ask(place, "PATCH", disabled_.at(key), R"({"attributes":{"enabled":true}})")
              : ask(place, "POST", "/api/v2/keys/" + name_in(key) + "/actions/enable", "");
  bool const done = usable(key);
  did(fmt::format("enables {}{}", key, done ? "" : ", in vain"));
  if (done) {
    disabled_.erase(key);
    return;
  }
  scene_.universe.happenings.at(scene_.universe.in(5min), [this, key] { enable(key); });
}

void People::remove() {
  std::string const key = some_key();
  if (key.empty() || disabled_.contains(key) || removed_.contains(key)) return;
  Place const& place = *scene_.addresses.of_key(key);
  if (!place.azure) return;
  ask(place, "DELETE", "/keys/" + name_in(key) + api_version, "");
  if (usable(key)) return;
  removed_.insert(key);
  did("deletes " + key);
  auto const back = scene_.universe.in(between(scene_.universe.people, 1min, 24h * 10));
  scene_.universe.happenings.at(back, [this, key] { recover(key); });
}

void People::recover(std::string const& key) {
  if (!removed_.contains(key)) return;
  Place const& place = *scene_.addresses.of_key(key);
  ask(place, "POST", "/deletedkeys/" + name_in(key) + "/recover" + api_version, "");
  bool const done = usable(key);
  did(fmt::format("recovers {}{}", key, done ? "" : ", in vain"));
  if (done) {
    removed_.erase(key);
    return;
  }
  scene_.universe.happenings.at(scene_.universe.in(5min), [this, key] { recover(key); });
}

void People::tag() {
  std::string const key = some_key();
  auto const known = scene_.on_record.keys.find(key);
  if (key.empty() || disabled_.contains(key) || removed_.contains(key) ||
      known == scene_.on_record.keys.end())
    return;
  Place const& place = *scene_.addresses.of_key(key);
  if (!place.azure) return;
  json::object tags;
  for (auto const& [name, value] : known->second.tags) tags[name] = value;
  tags["touched"] = std::to_string(scene_.universe.people.below(1000));
  bool const done = ask(place, "PATCH", enabled_path(key), json::serialize(json::object{{"tags", tags}}));
  did(fmt::format("tags {}{}", key, done ? "" : ", in vain"));
}

/// Somebody makes a volume with a key, has it keep the key from being deleted, or throws it away.
void People::change_registration() {
  constexpr std::uint64_t volumes = 4;
  std::string const key = some_key();
  std::uint64_t const volume = scene_.universe.people.below(volumes);
  std::uint64_t const wish = scene_.universe.people.below(3);
  Place const* const place = key.empty() ? nullptr : scene_.addresses.of_key(key);
  if (place == nullptr || place->azure) return;
  constexpr char const* wishes[]{"no", "yes", "and prevents deletion"};
  std::string const crn = fmt::format(
      "crn:v1:bluemix:public:is:us-south-1:a/3f5a0c9e7d1b4826a0e4c7b9d2f61835::volume:r006-{}", volume);
  sim::Request request{.method = "POST", .host = std::string(sim::control_host), .target = "/registrations"};
  request.authority = request.host;
  request.body = json::serialize(json::object{
      {"instance", place->instance}, {"key", name_in(key)}, {"crn", crn}, {"registered", wishes[wish]}});
  Instant const now = scene_.universe.clock.true_now();
  bool const done = cloud_.handle(std::move(request), now).answer.status < 300;
  did(fmt::format("has volume {} registered with {}: {}{}", volume, key, wishes[wish],
                  done ? "" : ", in vain"));
}

/// Somebody starts or stops a machine, or its next operations fail.
void People::touch_machine() {
  Instant const now = scene_.universe.clock.true_now();
  auto const machines = scene_.truth.resources(now).virtual_machines;
  if (machines.empty()) return;
  sim::VmTruth const& machine = machines[scene_.universe.people.below(machines.size())];
  constexpr char const* acts[]{"start", "power-off", "deallocate", "fail-start", "fail-deallocate"};
  std::string const act = acts[scene_.universe.people.below(std::size(acts))];
  json::object body{{"id", machine.id}, {"act", act}};
  if (act.starts_with("fail-")) {
    body["code"] = "AllocationFailed";
    body["message"] = "Allocation failed.";
    body["times"] = 1 + scene_.universe.people.below(3);
  }
  sim::Request request{
      .method = "POST", .host = std::string(sim::control_host), .target = "/virtual-machines"};
  request.authority = request.host;
  request.body = json::serialize(body);
  bool const done = cloud_.handle(std::move(request), now).answer.status < 300;
  did(fmt::format("{} of machine {}{}", act, machine.id.substr(machine.id.rfind('/') + 1),
                  done ? "" : ", in vain"));
}

/// Somebody gives a key up, for another that is there or for one that the daemon is to make.
void People::replace() {
  std::string const key = some_key();
  daemon::Daemon* const daemon = find_daemon();
  if (daemon == nullptr || key.empty() || disabled_.contains(key) || removed_.contains(key)) return;
  daemon::ReplaceRequest request{.key = key, .by = "", .create = "", .reason = "a backup was stolen"};
  if (scene_.universe.people.below(4) == 0) {
    request.by = some_key();
  } else {
    auto const& places = scene_.addresses.places();
    Place const& place = places[scene_.universe.people.below(places.size())];
    request.create = fmt::format("{}/{}/successor-{}", place.provider, place.vault, ++successors_);
  }
  auto const answer = daemon->replace(request, "uid 1000 (anna)");
  did(fmt::format("has {} replaced by {}{}{}", key, request.by, request.create, answer ? "" : ", in vain"));
}

void People::hear_of_wrong_clock() {
  auto const when = scene_.universe.in(between(scene_.universe.people, 30s, 24h * 6));
  scene_.universe.happenings.at(when, [this] { set_clock_right(); });
}

void People::set_clock_right() {
  if (resting_ || std::chrono::abs(scene_.universe.clock.skew()) <= scene_.clock_error_max) return;
  did("sets the clock right");
  on_clock_set_right();
  bool const leaves_it_to_the_daemon = scene_.universe.people.below(2) == 0;
  if (!leaves_it_to_the_daemon) release();
}

void People::release() {
  daemon::Daemon* const daemon = find_daemon();
  if (daemon == nullptr) return;
  auto const answer =
      daemon->release({.hold = std::nullopt, .reason = "the clock is right again"}, "uid 1000 (anna)");
  did(fmt::format("releases what is held{}", answer ? "" : ", in vain"));
}

void People::rest() {
  resting_ = true;
  auto const disabled = disabled_;
  for (auto const& [key, version] : disabled) enable(key);
  for (std::string const& key : std::set<std::string>(removed_)) recover(key);
  mend_machines();
  // What was under way may still fail.
  scene_.universe.happenings.at(scene_.universe.in(1h), [this] { mend_machines(); });
}

void People::look_after(daemon::Daemon& daemon) {
  auto const now = scene_.universe.clock.mono_now();
  if (now - looked_after_ < 48h) return;
  looked_after_ = now;
  retry_blocked(daemon);
}

/// What a machine's last operation left behind, and what was prepared to go wrong with its next ones.
void People::mend_machines() {
  Instant const now = scene_.universe.clock.true_now();
  for (sim::VmTruth const& machine : scene_.truth.resources(now).virtual_machines) {
    sim::Request request{
        .method = "POST", .host = std::string(sim::control_host), .target = "/virtual-machines"};
    request.authority = request.host;
    request.body = json::serialize(json::object{{"id", machine.id}, {"act", "heal"}});
    (void)cloud_.handle(std::move(request), now);
  }
}

void People::retry_blocked(daemon::Daemon& daemon) {
  mend_machines();
  for (daemon::KeyReport const& report : daemon.keys()) {
    if (!report.rotation || report.rotation->state != RotationState::blocked) continue;
    try_again(daemon, *report.rotation);
  }
}

/// What cannot work is given up: a successor that is unfit, or one whose name is taken.
void People::try_again(daemon::Daemon& daemon, Rotation const& blocked) {
  bool const gives_up = is_replacement(blocked) && (scene_.at_peace || scene_.universe.people.below(2) == 0);
  daemon::AbandonRequest const without_machines{.reason = "another way will be found",
                                                .leave_stopped = false};
  std::string const who = "uid 1000 (anna)";
  auto const answer =
      gives_up ? daemon.abandon(blocked.id, without_machines, who) : daemon.retry(blocked.id, who);
  did(fmt::format("has rotation {} of {} {} ({}){}", blocked.id.str(), blocked.key.text(),
                  gives_up ? "given up" : "tried again", blocked.blocked_reason, answer ? "" : ", in vain"));
}

std::string People::token(Place const& place) {
  auto const secret = scenario_.credentials.find(place.secret);
  if (secret == scenario_.credentials.end()) return "";
  auto const granted = cloud_.handle(token_request(place, secret->second), scene_.universe.clock.true_now());
  auto const body = sim::json_object(granted.answer.body);
  if (granted.answer.status != 200 || !body) return "";
  return sim::string_member(*body, "access_token").value_or("");
}

bool People::ask(Place const& place, std::string const& method, std::string const& target,
                 std::string const& body) {
  std::string const bearer = token(place);
  if (bearer.empty()) return false;
  Instant const now = scene_.universe.clock.true_now();
  sim::Request request{.method = method, .host = place.host, .authority = place.host, .target = target};
  request.headers = {{"Authorization", "Bearer " + bearer}, {"Content-Type", "application/json"}};
  if (!place.azure) request.headers.emplace_back("Bluemix-Instance", place.instance);
  request.body = body;
  sim::Delivery const answered = cloud_.handle(request, now);
  scene_.truth.look(now, Maker::person);
  return answered.answer.status < 300 && answered.cut == sim::Cut::none;
}

}  // namespace rekeyd::simulation
