#include "tests/crash_points/rotation_run.hpp"

#include "config/load.hpp"
#include "tests/crash_points/end_state.hpp"
#include "tests/simulation/home.hpp"
#include "tests/simulation/life.hpp"
#include "tests/simulation/log_into_trace.hpp"
#include "tests/simulation/openssl_randomness.hpp"
#include "tests/simulation/rule.hpp"
#include "tests/simulator/world.hpp"
#include "tests/support/seeded_random.hpp"

#include <boost/algorithm/string/replace.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <utility>

namespace rekeyd::crash_points {

namespace sml = simulation;
using namespace std::chrono_literals;

namespace {

/// One for all runs, so that all of them are the same up to the first death.
constexpr std::uint64_t seed = 1;
constexpr auto restart_after = 5s;
/// When the person rotates a key that is not ours to rotate: between the first look at the provider and the
/// second.
constexpr auto person_comes_after = 1h;
constexpr auto person_asks_after = 1min;
/// Longer than any wait for a lagging provider, a back-off or the next look.
constexpr auto patience = 72h;
/// By then every registration is read again.
constexpr auto rest = 31h;

std::unique_ptr<sim::Cloud> make_cloud(sml::Scenario const& scenario, sim::RsaPool const& rsa_keys) {
  sml::seed_openssl(sml::seed_for(seed, sml::Purpose::openssl));
  sim::WorldOptions options{scenario.begin, sml::seed_for(seed, sml::Purpose::clouds)};
  options.rsa_keys = &rsa_keys;
  auto made = sim::make_world(scenario.clouds, options);
  if (!made) throw std::runtime_error(sim::to_text("clouds", made.error().front()));
  return *std::move(made);
}

class RotationRun {
 public:
  RotationRun(RotationCase const& the_case, Instant begin, std::vector<Death> const& deaths,
              std::uint64_t chance, sim::RsaPool const& rsa_keys)
      : case_(the_case),
        deaths_(deaths),
        universe_(seed, begin, false),
        cloud_(make_cloud(the_case.scenario, rsa_keys)),
        home_(the_case.scenario, chance),
        network_(universe_, *cloud_),
        boundaries_(home_.disk(), network_),
        truth_(*cloud_),
        addresses_(home_.settings()),
        scene_{universe_, truth_, verdicts_, addresses_, home_.settings()},
        log_([this](std::string words, bool critical) {
          if (critical) verdicts_.fail(sml::Invariant::endings, words);
          universe_.trace.line("log: " + std::move(words));
        }),
        random_(sml::seed_for(seed, sml::Purpose::daemon)) {
    network_.on_send = [this](sml::Letter& letter) { return sent(letter); };
    network_.on_arrival = [this](sml::Letter const& letter, sim::Delivery const& delivery) {
      arrived(letter, delivery);
    };
    case_.on_disk(home_.disk());
    truth_.look(universe_.clock.true_now(), sml::Maker::beginning);
    make_rules();
  }

  Past watch() {
    home_.write_policies(case_.scenario.policies.back());
    start_daemon();
    boundaries_.stop_counting();
    run_until([] { return false; }, universe_.in(1h));
    end_in_order();
    if (verdicts_.broken()) throw std::runtime_error(verdicts_.broken()->sentence);
    return {home_.disk().text_of(home_.settings().database).value(), std::move(commits_)};
  }

  RunResult live(Past const& past) {
    if (!past.database.empty()) {
      home_.disk().put(home_.settings().database, past.database);
      for (storage::Change const& change : past.commits) committed(change, {});
    }
    if (case_.kind == KeyKind::key_protect_imported) {
      universe_.happenings.at(universe_.in(person_comes_after), [this] { person_rotates(); });
    }
    start_daemon();
    if (case_.replacement) ask_for_replacement();
    run_until([this] { return at_its_end(); }, universe_.in(patience));
    verdicts_.require(sml::Invariant::endings, at_its_end(),
                      [] { return std::string("the rotation has not come to its end"); });
    if (!verdicts_.broken()) end_life_in_peace();
    if (verdicts_.broken()) tell_what_is_broken();
    result_.checks = verdicts_.checks();
    return std::move(result_);
  }

 private:
  // One event after the other.

  template <class Stop>
  void run_until(Stop const& stop, providers::Clock::Mono end) {
    while (!verdicts_.broken() && universe_.clock.mono_now() < end && !stop()) step();
  }

  void step() {
    if (!run_ready_work()) universe_.let_time_pass();
    if (boundaries_.died()) bury();
  }

  bool run_ready_work() {
    if (!life_) return false;
    if (universe_.ready.empty()) life_->poll();
    if (universe_.ready.empty()) return false;
    universe_.ready.run_one();
    universe_.trace.count_handler();
    return true;
  }

  // The daemon's lives.

  void start_daemon() {
    std::size_t const number = scene_.life++;
    boundaries_.begin_life(number < deaths_.size() ? std::optional(deaths_[number]) : std::nullopt);
    sml::Life::Parts parts{.universe = universe_,
                           .network = network_,
                           .settings = home_.settings(),
                           .random = random_,
                           .number = scene_.life,
                           .vfs = home_.disk().vfs()};
    parts.on_commit = [this](storage::Change const& change, Result<void> const& outcome) {
      if (outcome) at_risk_no_more();
      committed(change, outcome);
    };
    parts.on_deks = [this](std::vector<DekId> const& written) {
      tell([&](sml::Rule& rule) { rule.wrote_deks(written); });
    };
    universe_.trace.line(fmt::format("life {} begins", scene_.life));
    auto begun = sml::Life::begin(std::move(parts));
    if (!begun) {
      verdicts_.require(sml::Invariant::endings, boundaries_.died(),
                        [&] { return "the daemon does not start: " + to_text(begun.error()); });
      if (boundaries_.died()) bury();
      return;
    }
    life_ = *std::move(begun);
    scene_.reports = [this] { return life_->daemon().keys(); };
    scene_.policies = policies();
    tell([](sml::Rule& rule) { rule.began(); });
  }

  std::shared_ptr<PolicySet const> policies() const {
    auto loaded = config::load_policies(home_.settings().policies);
    if (!loaded.value) throw std::runtime_error(config::to_text(loaded.diagnostics.front()));
    return std::make_shared<PolicySet const>(*std::move(loaded.value));
  }

  /// The process is no more; a request of its that is under way is.
  void bury() {
    Death const& death = deaths_[scene_.life - 1];
    universe_.trace.line(
        fmt::format("life {} is dead, and the power {}", scene_.life, death.power ? "gone" : "there"));
    result_.lives.push_back(boundaries_.points());
    boundaries_.stop_counting();
    home_.disk().die_at(0);
    scene_.reports = nullptr;
    life_.reset();
    death.power ? home_.disk().power_cut() : home_.disk().kill_process();
    boundaries_.begin_life({});
    boundaries_.stop_counting();
    scene_.on_record.intended.clear();
    scene_.examine_database(home_.disk().vfs());
    if (death.power && scene_.database) at_risk_no_more();
    tell([](sml::Rule& rule) { rule.left_behind(); });
    universe_.happenings.at(universe_.in(restart_after), [this] { start_daemon(); });
  }

  void at_risk_no_more() {
    for (storage::Change const& change : std::exchange(scene_.at_risk, {})) committed(change, {});
  }

  /// The one rotation is over, and nothing is under way any more.
  bool at_its_end() {
    if (!life_ || scene_.life <= deaths_.size() || done_ == 0) return false;
    auto const& open = scene_.on_record.open_of[case_.key];
    return open.empty() && network_.under_way() == 0;
  }

  void end_life_in_peace() {
    result_.lives.push_back(boundaries_.points());
    boundaries_.stop_counting();
    run_until([] { return false; }, universe_.in(rest));
    if (verdicts_.broken()) return;
    tell([](sml::Rule& rule) { rule.at_rest(); });
    TrueKeys const truth = true_keys();
    std::string const record = text_of_record(life_->world().store, truth, originals_);
    end_in_order();
    std::string end = text_of_cloud(truth) +
                      text_of_resources(truth_.resources(universe_.clock.true_now()), truth) + record +
                      text_of_disk(home_.disk(), home_.settings(), originals_, truth);
    // Key Protect draws the ids of its keys.
    for (std::size_t i = 1; i < truth.size(); ++i) boost::replace_all(end, truth[i].first, "the successor");
    result_.end = std::move(end);
  }

  TrueKeys true_keys() const {
    TrueKeys keys{{case_.key, truth_.find(case_.key)}};
    for (auto const& [ref, key] : truth_.keys()) {
      if (ref != case_.key) keys.emplace_back(ref, &key);
    }
    return keys;
  }

  void end_in_order() {
    life_->stop();
    run_until([this] { return life_->ended(); }, universe_.in(3min));
    verdicts_.require(sml::Invariant::endings, life_->ended(),
                      [] { return std::string("the daemon does not stop"); });
    tell([](sml::Rule& rule) { rule.ended_in_order(); });
    life_.reset();
    home_.disk().kill_process();
    scene_.examine_database(home_.disk().vfs());
    tell([](sml::Rule& rule) { rule.left_behind(); });
  }

  void tell_what_is_broken() {
    result_.broken = verdicts_.broken()->sentence;
    for (std::string const& line : universe_.trace.last(80)) result_.broken += "\n  " + line;
  }

  // What is told to the rules.

  template <class Tell>
  void tell(Tell const& told) {
    for (auto const& rule : rules_) told(*rule);
  }

  void make_rules() {
    sml::DekTruth deks{home_.disk(), home_.settings().dek_stores.front().path,
                       home_.write_deks(cloud_->deks()), *cloud_};
    for (auto const& [file, sha256] : deks.sha256_by_file) originals_[file] = *home_.disk().text_of(file);
    rules_.push_back(sml::make_due_dates(scene_));
    rules_.push_back(sml::make_version_history(scene_));
    rules_.push_back(sml::make_wrapped_deks(scene_, std::move(deks)));
    rules_.push_back(sml::make_stopped_vms(scene_));
    rules_.push_back(sml::make_retirement(scene_));
    rules_.push_back(sml::make_restraint(scene_, {}));
    rules_.push_back(sml::make_sound_storage(scene_));
    rules_.push_back(sml::make_steady_dates(scene_));
    rules_.push_back(sml::make_endings(scene_, network_));
  }

  void committed(storage::Change const& change, Result<void> const& outcome) {
    for (HistoryEvent const& event : change.events) {
      universe_.trace.line(fmt::format("{}{} {} {}", outcome ? "" : "NOT durable: ", to_text(event.kind),
                                       event.step, event.sentence));
    }
    if (!outcome) {
      if (home_.disk().dead() && !scene_.uncertain) scene_.uncertain = change;
      return;
    }
    for (Rotation const& rotation : change.rotations) {
      if (rotation.state == RotationState::done) ++done_;
    }
    commits_.push_back(change);
    scene_.events_durable += static_cast<std::int64_t>(change.events.size());
    tell([&](sml::Rule& rule) { rule.committed(change); });
    scene_.note(change);
  }

  bool sent(sml::Letter& letter) {
    if (!life_ || letter.life != life_->number()) return false;
    scene_.address(letter);
    if (!boundaries_.send()) return false;
    tell([&](sml::Rule& rule) { rule.sent(letter); });
    return true;
  }

  void arrived(sml::Letter const& letter, sim::Delivery const& delivery) {
    std::vector<sml::Truth::NewVersion> made;
    if (sml::AddressBook::may_change(letter.request))
      made = truth_.look(universe_.clock.true_now(), sml::Maker::daemon, letter.rotation);
    tell([&](sml::Rule& rule) { rule.arrived(letter, delivery, made); });
    if (life_ && letter.life == life_->number()) boundaries_.took_effect();
  }

  /// Soon after a start, and again until it is on record: whoever gets no answer asks once more.
  void ask_for_replacement() {
    universe_.happenings.at(universe_.in(person_asks_after), [this] {
      bool const on_record = !scene_.on_record.rotations.empty();
      if (on_record) return;
      if (life_) {
        auto const answer = life_->daemon().replace(*case_.replacement, "uid 1000 (anna)");
        universe_.trace.line(fmt::format("a person asks for a replacement{}", answer ? "" : ", in vain"));
      }
      ask_for_replacement();
    });
  }

  /// Straight at the cloud, with new material of its own.
  void person_rotates() {
    sml::Place const& place = *addresses_.of_key(case_.key);
    Instant const now = universe_.clock.true_now();
    sim::Request token{.method = "POST",
                       .host = "iam.cloud.ibm.com",
                       .authority = "iam.cloud.ibm.com",
                       .target = "/identity/token"};
    token.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    token.body = "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=demo-secret";
    auto const granted = boost::json::parse(cloud_->handle(token, now).answer.body);
    sim::Request rotate{
        .method = "POST",
        .host = place.host,
        .authority = place.host,
        .target = "/api/v2/keys/" + case_.key.substr(case_.key.rfind('/') + 1) + "/actions/rotate"};
    rotate.headers = {{"Authorization", "Bearer " + std::string(granted.at("access_token").as_string())},
                      {"Bluemix-Instance", place.instance},
                      {"Content-Type", "application/json"}};
    rotate.body = R"({"payload":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="})";
    auto const status = cloud_->handle(rotate, now).answer.status;
    if (status / 100 != 2)
      throw std::runtime_error(fmt::format("the person's rotation is refused: {}", status));
    truth_.look(now, sml::Maker::person);
    universe_.trace.line("a person rotates the key");
  }

  RotationCase const& case_;
  std::vector<Death> const deaths_;
  sml::Universe universe_;
  std::unique_ptr<sim::Cloud> cloud_;
  sml::Home home_;
  sml::Network network_;
  IoBoundaries boundaries_;
  sml::Truth truth_;
  sml::Verdicts verdicts_;
  sml::AddressBook addresses_;
  sml::Scene scene_;
  sml::LogIntoTrace log_;
  sml::Rules rules_;
  test::SeededRandom random_;
  std::map<std::string, std::string> originals_;  ///< File of a WDEK → its text at the beginning.
  std::vector<storage::Change> commits_;
  RunResult result_;
  int done_{0};  ///< Times that a rotation was recorded as done.
  std::unique_ptr<sml::Life> life_;
};

}  // namespace

Past watched_before(RotationCase const& the_case, sim::RsaPool const& rsa_keys) {
  return RotationRun(the_case, the_case.scenario.begin - 24h, {}, seed, rsa_keys).watch();
}

RunResult run_rotation(RotationCase const& the_case, Past const& past, std::vector<Death> const& deaths,
                       std::uint64_t chance, sim::RsaPool const& rsa_keys) {
  return RotationRun(the_case, the_case.scenario.begin, deaths, chance, rsa_keys).live(past);
}

}  // namespace rekeyd::crash_points
