#include "policy/workflow.hpp"

#include "tests/policy/key_maker.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>
#include <vector>

namespace rekeyd {
namespace {

Instant const now = test::at("2026-06-01T12:00:00Z");

std::string text_of(std::string const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_CASE("the workflow's document is what its table says") {
  std::string const file = REKEYD_SOURCE_DIR "/docs/workflow.md";
  if (std::getenv("REKEYD_WRITE_EXPECTED") != nullptr) {
    std::ofstream(file, std::ios::binary) << workflow_document();
  }
  CHECK(text_of(file) == workflow_document());
}

TEST_CASE("the workflow's table has every step once, in order, and each is led to") {
  std::set<Step> led_to{workflow.front().step};
  std::optional<Step> before;
  for (StepRule const& rule : workflow) {
    if (before) CHECK(*before < rule.step);
    before = rule.step;
    REQUIRE(&rule_of(rule.step) == &rule);
    if (rule.next) led_to.insert(*rule.next);
    if (rule.detour) led_to.insert(*rule.detour);
    if (rule.next) CHECK(*rule.next > rule.step);
    if (rule.detour) CHECK(*rule.detour > rule.step);
  }
  CHECK(led_to.size() == workflow.size());
  CHECK_FALSE(workflow.back().next);
}

TEST_CASE("without machines that have to stand still a rotation meets none of their steps") {
  Rotation rotation;
  std::vector<Step> met;
  while (rotation.state == RotationState::open) {
    met.push_back(rotation.step);
    rotation = advance(rotation, StepDone{}, now);
  }
  CHECK(met == std::vector{Step::claim, Step::preflight, Step::rotate, Step::propagate, Step::verify});
}

TEST_CASE("with them it stops, changes and starts them, and then looks at all") {
  Rotation rotation;
  rotation.step = Step::propagate;
  rotation = advance(rotation, StepDetour{"machines run"}, now);
  std::vector<Step> met;
  while (rotation.state == RotationState::open) {
    met.push_back(rotation.step);
    rotation = advance(rotation, StepDone{}, now);
  }
  CHECK(met == std::vector{Step::quiesce, Step::change, Step::resume, Step::verify});
}

TEST_CASE("what blocks or is given up while machines stand still starts them first") {
  Error refused;
  refused.error_class = ErrorClass::permanent;
  refused.what = "no";
  refused.remedy = "mend it";
  for (Step const step : {Step::quiesce, Step::change}) {
    Rotation rotation;
    rotation.step = step;
    Rotation const blocked = advance(rotation, StepBlocked{"machine_failed", refused}, now);
    CHECK(blocked.state == RotationState::open);
    CHECK(blocked.step == Step::resume);
    Rotation const after = advance(blocked, StepDone{}, now);
    CHECK(after.state == RotationState::blocked);
    CHECK(after.blocked_reason == "machine_failed");
    CHECK(after.remedy == "mend it");
    CHECK(after.step == Step::propagate);  // What a retry begins with.
    CHECK_FALSE(after.ended);

    Rotation const repeated = advance(rotation, StepAgain{refused}, now);  // permanent: one try
    CHECK(repeated.step == Step::resume);

    Rotation const given_up = abandoned(rotation, "moved away", now);
    CHECK(given_up.state == RotationState::open);
    CHECK(given_up.step == Step::resume);
    Rotation const ended = advance(given_up, StepDone{}, now);
    CHECK(ended.state == RotationState::abandoned);
    CHECK(ended.message == "moved away");
    CHECK(ended.ended == now);
  }
}

TEST_CASE("a rotation that cannot start a machine again is blocked where it is, and loud") {
  Error refused;
  refused.error_class = ErrorClass::permanent;
  Rotation rotation;
  rotation.step = Step::resume;
  rotation.pending_end = PendingEnd{RotationState::blocked, "machine_failed", "m", "r"};
  Rotation const after = advance(rotation, StepBlocked{"machine_does_not_start", refused}, now);
  CHECK(after.state == RotationState::blocked);
  CHECK(after.blocked_reason == "machine_does_not_start");
  CHECK(after.step == Step::resume);
  CHECK(after.pending_end);
}

TEST_CASE("machines that stand still do not wait an hour for the next try") {
  Error busy;
  busy.error_class = ErrorClass::transient;
  Rotation rotation;
  rotation.step = Step::change;
  rotation.attempts = 9;
  CHECK(advance(rotation, StepAgain{busy}, now).next_try == now + std::chrono::seconds(60));
}

TEST_CASE("a step leads back only to an earlier one") {
  for (StepRule const& rule : workflow) {
    if (rule.back) CHECK(*rule.back < rule.step);
  }
}

TEST_CASE("an ending that the workflow does not know blocks the rotation and says whose fault it is") {
  Rotation rotation;
  rotation.step = Step::verify;
  for (StepOutcome const& outcome : {StepOutcome(StepBack{Step::claim, "why"}),
                                     StepOutcome(StepWait{now, "why"}), StepOutcome(StepAbandoned{"why"})}) {
    Rotation const after = advance(rotation, outcome, now);
    CHECK(after.state == RotationState::blocked);
    CHECK(after.blocked_reason == "not_in_the_workflow");
    CHECK_THAT(after.remedy, Catch::Contains("report it"));
  }
}

TEST_CASE("a person may abandon a rotation at any step") {
  for (StepRule const& rule : workflow) {
    if (holds_machines(rule.step)) continue;
    Rotation rotation;
    rotation.step = rule.step;
    rotation.next_try = now;
    Rotation const after = abandoned(rotation, "given up by a person: moved away", now);
    CHECK(after.state == RotationState::abandoned);
    CHECK(after.message == "given up by a person: moved away");
    CHECK(after.ended == now);
    CHECK_FALSE(after.next_try);
  }
}

}  // namespace
}  // namespace rekeyd
