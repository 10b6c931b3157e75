#include "tests/rehearsal/rehearsed_world.hpp"

#include "storage/sqlite_store.hpp"
#include "tests/simulation/openssl_randomness.hpp"
#include "tests/simulator/envelope.hpp"
#include "tests/simulator/past.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <sys/stat.h>

namespace rekeyd::rehearsal {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using simulation::Purpose;
using simulation::seed_for;

namespace {

/// Reading its keys is most of what a daemon does in a quiet year, and each reading is like the one before:
/// so many of them are worth the time that they take.
constexpr std::int64_t readings_max = 100'000;

std::chrono::seconds inventory_interval(Play const& play, Instant until) {
  auto const keys = static_cast<std::int64_t>(play.state.keys.size());
  auto const affordable = std::chrono::ceil<std::chrono::hours>((until - play.from) * keys / readings_max);
  return std::max<std::chrono::seconds>(play.settings.inventory_every, affordable);
}

/// "1 hour", "36 hours", "90 minutes"
std::string span_text(std::chrono::seconds span) {
  bool const whole_hours = span % 1h == 0s;
  auto const count = span / (whole_hours ? std::chrono::minutes(1h) : 1min);
  return fmt::format("{} {}{}", count, whole_hours ? "hour" : "minute", count == 1 ? "" : "s");
}

void note_interval(std::chrono::seconds rehearsed, std::chrono::seconds own, ModelledClouds& model) {
  if (rehearsed == own) return;
  model.notes.push_back(
      fmt::format("the inventory looks at the keys every {} here, to save time, and not every {} as "
                  "configured: providers will get more calls than are counted here",
                  span_text(rehearsed), span_text(own)));
}

void note_left_out(ModelledClouds& model) {
  for (KeyRef const& key : model.left_out)
    model.notes.push_back(fmt::format("{} is left out: the model has no such kind of key", key.text()));
}

ModelledClouds model_of(Play& play, Instant until) {
  simulation::seed_openssl(seed_for(play.seed, Purpose::openssl));
  ModelledClouds model =
      model_clouds(play.state, play.deks, play.settings, seed_for(play.seed, Purpose::clouds), play.from);
  std::erase_if(play.state.keys,
                [&](KnownKey const& key) { return model.left_out.contains(key.stored.key.ref); });
  std::erase_if(play.state.unfinished, [&](Rotation const& of) { return model.left_out.contains(of.key); });
  std::set<RotationId> left;
  for (Rotation const& rotation : play.state.unfinished) left.insert(rotation.id);
  std::erase_if(play.state.steps, [&](storage::StepRecord const& of) { return !left.contains(of.rotation); });
  note_left_out(model);
  model.settings.inventory_every = inventory_interval(play, until);
  note_interval(model.settings.inventory_every, play.settings.inventory_every, model);
  return model;
}

}  // namespace

RehearsedWorld::RehearsedWorld(Play play)
    : play_(std::move(play)),
      until_(sim::plus_months(play_.from, static_cast<int>(play_.months))),
      universe_(play_.seed, play_.from, false),
      model_(model_of(play_, until_)),
      disk_(seed_for(play_.seed, Purpose::disk)),
      network_(universe_, *model_.cloud),
      troubles_(troubles_of(play_.faults)),
      fate_(universe_, troubles_.fate,
            {.crash = [this] { crash(); },
             .stop = [this] { stop_daemon(); },
             .freeze = [this](std::chrono::milliseconds span) { frozen_until_ = universe_.in(span); },
             .fill_disk = [this](std::chrono::milliseconds span) { fill_disk(span); },
             .step_clock =
                 [this](std::chrono::seconds off) {
                   universe_.clock.step_wall(off - universe_.clock.skew());
                   ++universe_.faults;
                 }}),
      diary_(play_.state, play_.from, play_.settings.rotations.overdue_after),
      log_([this](std::string const& words, bool critical) {
        if (critical) model_.notes.push_back("the daemon itself has failed, please report it: " + words);
      }),
      random_(seed_for(play_.seed, Purpose::daemon)) {
  furnish();
}

/// The daemon's files lie on a disk in memory: nothing of a rehearsal touches the machine's own.
void RehearsedWorld::furnish() {
  config::Settings& settings = model_.settings;
  settings.database = disk_.root() / "state" / "rekeyd.db";
  disk_.make_folder(settings.database.parent_path());
  settings.control_socket.clear();
  settings.control_group.clear();
  settings.auditor_group.clear();
  settings.network = {};
  fs::path const secrets = disk_.root() / "secrets";
  disk_.make_folder(secrets);
  for (auto const& [name, secret] : model_.secrets) {
    disk_.put(secrets / name, secret);
    ::chmod((secrets / name).c_str(), S_IRUSR | S_IWUSR);
  }
  for (config::ProviderSettings& provider : settings.providers) {
    auto* const azure = std::get_if<config::AzureSettings>(&provider.cloud);
    config::SecretReference& secret =
        azure != nullptr
            ? std::get<config::ClientSecret>(azure->credentials.proof).secret
            : std::get<config::IbmApiKey>(std::get<config::IbmSettings>(provider.cloud).credentials.proof)
                  .secret;
    secret.name = secrets / secret.name;
  }
  // People who hand in new material in time: nothing real is read.
  for (config::MaterialSourceSettings& source : settings.material_sources) {
    source.kind = config::RandomMaterial{256};
  }
  for (config::DekStoreSettings& store : settings.dek_stores) {
    store.path = disk_.root() / store.name.str();
    disk_.make_folder(store.path);
  }
  std::map<std::string, std::size_t> numbers;
  for (sim::SeededDek const& dek : model_.deks) {
    std::size_t const number = ++numbers[dek.envelope.vault + "/" + dek.envelope.key];
    fs::path const file = settings.dek_stores.front().path / sim::envelope_file(dek.envelope, number);
    if (number == 1) disk_.make_folder(file.parent_path());
    disk_.put(file, boost::json::serialize(sim::to_json(dek.envelope)) + "\n");
  }
}

Result<void> RehearsedWorld::open_books() {
  auto store = storage::open_sqlite_store({.path = model_.settings.database, .vfs = disk_.vfs()});
  if (!store) return std::unexpected(store.error());
  return (*store)->commit(as_change(play_.state));
}

Result<Findings> RehearsedWorld::live() {
  if (auto opened = open_books(); !opened) return std::unexpected(opened.error());
  if (auto started = start_daemon(); !started) return std::unexpected(started.error());
  if (auto reloaded = put_policies_in_force(); !reloaded) return std::unexpected(reloaded.error());
  begin_troubles();
  look_in(std::chrono::minutes(between_looks()) /
          2);  // Not at the full hour, when what waits for it goes on.
  run_until(universe_.in(until_ - play_.from));
  // What is said at the end, a daemon has to say that has had the time to look around.
  free_disk();
  if (!life_) {
    if (auto started = start_daemon(); !started) return std::unexpected(started.error());
    run_until(universe_.in(1h));
  }
  if (!life_) start_again();
  Instant const now = wall();
  auto const keys = life_->daemon().keys();
  diary_.looked(keys, now);
  diary_.life_over(life_->daemon().status().providers);
  Findings findings = diary_.closed(keys, play_.policies, now);
  findings.crashes = universe_.crashes;
  findings.faults = universe_.faults + count_cloud_faults();
  return findings;
}

void RehearsedWorld::run_until(simulation::Happenings::Mono end) {
  while (universe_.clock.mono_now() < end) step();
}

void RehearsedWorld::step() {
  bool const frozen = universe_.clock.mono_now() < frozen_until_;
  if (!frozen && run_ready_work()) return;
  if (!frozen && life_ && life_->ended()) {
    bury();
    start_later(fate_.time_down());
    return;
  }
  universe_.let_time_pass(frozen_until_);
}

bool RehearsedWorld::run_ready_work() {
  if (!life_ || !universe_.run_ready_work([this] { life_->poll(); })) return false;
  if (!under_way_.empty() && fate_.crashes_now()) crash();
  return true;
}

/// Each look is at all keys: at a large fleet not every hour.
std::chrono::hours RehearsedWorld::between_looks() const {
  return std::chrono::hours(std::clamp<std::size_t>(keys() / 100, 1, 24));
}

void RehearsedWorld::look_in(std::chrono::minutes rest) {
  universe_.happenings.at(universe_.in(rest), [this] { look(); });
}

void RehearsedWorld::look() {
  Instant const now = wall();
  if (life_) {
    auto const reports = life_->daemon().keys();
    diary_.looked(reports, now);
    release_holds(now);
    if (play_.faults != Faults::none) retry_blocked(reports, now);
  }
  on_progress(now, diary_.rotations_begun());
  look_in(between_looks());
}

void RehearsedWorld::release_holds(Instant now) {
  std::vector<std::string> names;
  for (daemon::HoldReport const& hold : life_->daemon().status().holds) {
    bool const asks_for_a_person = hold.kind != HoldKind::circuit_open;
    if (asks_for_a_person && now - std::max(hold.since, play_.from) >= release_after)
      names.push_back(hold.name);
  }
  for (std::string const& name : names)
    (void)life_->daemon().release({name, "nobody objects in a rehearsal"}, operator_name);
}

void RehearsedWorld::retry_blocked(std::vector<daemon::KeyReport> const& keys, Instant now) {
  for (daemon::KeyReport const& key : keys) {
    bool const blocked = key.rotation && key.rotation->state == RotationState::blocked;
    if (blocked && now - std::max(key.rotation->updated, play_.from) >= retry_after)
      (void)life_->daemon().retry(key.rotation->id, operator_name);
  }
}

}  // namespace rekeyd::rehearsal
