#include "policy/workflow.hpp"

#include "tests/policy/key_maker.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>

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

TEST_CASE("the workflow's table has every step once and leads through all of them") {
  std::optional<Step> step = workflow.front().step;
  for (StepRule const& rule : workflow) {
    REQUIRE(step == rule.step);
    REQUIRE(&rule_of(rule.step) == &rule);
    step = rule.next;
  }
  CHECK_FALSE(step);
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
