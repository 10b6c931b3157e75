// Invariant 4, told of stops and starts that the clouds of a world really carry out.
#include "tests/simulation/home.hpp"
#include "tests/simulation/rule.hpp"
#include "tests/simulator/cloud.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/world.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

namespace rekeyd::simulation {
namespace {

using namespace std::chrono_literals;

constexpr char const* machines = "azure-prod/machines-eu/cmk-cvm";

std::string vm_id(std::string const& name) {
  return "/subscriptions/99999999-aaaa-4bbb-8ccc-000000000001/resourcegroups/apps/providers/"
         "microsoft.compute/"
         "virtualmachines/" +
         name;
}

struct Stage {
  Stage() {
    truth.look(scenario.begin, Maker::beginning);
    scene.on_record.keys[machines].ref = KeyRef::parse(machines).value();
    rotation.id = RotationId("r1");
    rotation.key = KeyRef::parse(machines).value();
    rotation.step = Step::quiesce;
    commit();
  }

  static Scenario confidential() {
    auto loaded = load_scenario(REKEYD_SOURCE_DIR "/tests/simulation/worlds/azure-confidential.yaml");
    REQUIRE(loaded);
    return *std::move(loaded);
  }

  void commit() {
    storage::Change change;
    change.rotations.push_back(rotation);
    rule->committed(change);
    scene.note(change);
  }

  std::string token() {
    sim::Request request{.method = "POST", .host = "login.microsoftonline.com"};
    request.authority = request.host;
    request.target = "/11111111-2222-4333-8444-555555555555/oauth2/v2.0/token";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
    request.body =
        "grant_type=client_credentials&client_id=66666666-7777-4888-8999-000000000001&client_secret=demo-"
        "azure-"
        "secret&scope=https%3A%2F%2Fmanagement.azure.com%2F.default";
    auto const granted = cloud->handle(request, universe.clock.true_now());
    return std::string(boost::json::parse(granted.answer.body).at("access_token").as_string());
  }

  /// rekeyd asks, and the cloud does it.
  void asks(std::string const& vm, std::string const& action) {
    Letter letter;
    letter.request = {.method = "POST", .host = "management.azure.com"};
    letter.request.authority = letter.request.host;
    letter.request.target = vm_id(vm) + "/" + action + "?api-version=2024-03-01";
    letter.request.headers = {{"Authorization", "Bearer " + token()}};
    letter.sent = universe.clock.mono_now();
    rule->sent(letter);
    auto const done = cloud->handle(letter.request, universe.clock.true_now());
    INFO(done.answer.body);
    REQUIRE(done.answer.status == 202);
    universe.clock.advance_to(universe.clock.mono_now() + 200s);
  }

  std::optional<Invariant> broken() const {
    auto const& said = verdicts.broken();
    return said ? std::optional(said->invariant) : std::nullopt;
  }

  Scenario scenario = confidential();
  Universe universe{1, scenario.begin, false};
  std::unique_ptr<sim::Cloud> cloud = *sim::make_world(scenario.clouds, {scenario.begin, 1});
  Home home{scenario, 1};
  Truth truth{*cloud};
  Verdicts verdicts;
  AddressBook addresses{home.settings()};
  Scene scene{universe, truth, verdicts, addresses, home.settings()};
  std::unique_ptr<Rule> rule = make_stopped_vms(scene);
  Rotation rotation;
};

TEST_CASE("invariant 4 breaks when a VM is started that nobody asked to stop") {
  Stage stage;
  stage.asks("idle-1", "start");
  CHECK(stage.broken() == Invariant::stopped_vms);
}

TEST_CASE("invariant 4 holds when what was stopped runs again") {
  Stage stage;
  stage.asks("cvm-1", "deallocate");
  stage.asks("cvm-1", "start");
  stage.rotation.state = RotationState::done;
  stage.rotation.step = Step::verify;
  stage.commit();
  stage.rule->at_rest();
  CHECK_FALSE(stage.broken());
}

TEST_CASE("invariant 4 breaks when a VM is still stopped and its rotation is over") {
  Stage stage;
  stage.asks("cvm-1", "deallocate");
  for (RotationState const end : {RotationState::done, RotationState::blocked, RotationState::abandoned}) {
    DYNAMIC_SECTION("as " << to_text(end)) {
      stage.rotation.state = end;
      stage.rotation.step = Step::propagate;
      stage.commit();
      CHECK(stage.broken() == Invariant::stopped_vms);
    }
  }
  SECTION("but not while a person has to look at what does not start") {
    stage.rotation.state = RotationState::blocked;
    stage.rotation.step = Step::resume;
    stage.commit();
    CHECK_FALSE(stage.broken());
    stage.rule->at_rest();
    CHECK(stage.broken() == Invariant::stopped_vms);
  }
}

}  // namespace
}  // namespace rekeyd::simulation
