#pragma once
#include "policy/rotation.hpp"

#include <array>
#include <optional>
#include <string>

namespace rekeyd {

/// One step of a rotation: what may follow it, and how it bears being asked again. The whole workflow is the
/// table below; advance() follows it and docs/workflow.md is written from it.
struct StepRule {
  Step step;
  std::optional<Step> next;    ///< After it is done; after the last the rotation is done.
  std::optional<Step> back;    ///< Where provider truth may send it back to.
  std::optional<Step> detour;  ///< Where it leads besides.
  bool may_wait;               ///< May rest without having failed.
  bool may_be_moot;            ///< May find that the rotation has become pointless: abandoned.
  char const* reads;           ///< Provider truth that it looks at first, each time.
  char const* does;            ///< What it changes outside.
  char const* asked_again;     ///< Why a second time, after a crash or a lost answer, does no harm.
};

/// In order. A rotation that is to be blocked or given up while machines stand still for it goes to `resume`
/// first (Rotation::pending_end). Every step may also fail (tried again with back-off, blocked after
/// failures_max()) or block at once; a person may abandon a rotation at any.
inline constexpr std::array<StepRule, 8> workflow{{
    {.step = Step::claim,
     .next = Step::preflight,
     .back = std::nullopt,
     .detour = std::nullopt,
     .may_wait = false,
     .may_be_moot = true,
     .reads = "the key and its versions",
     .does = "nothing; the base version and the known versions go on record",
     .asked_again = "it changes nothing outside"},
    {.step = Step::preflight,
     .next = Step::rotate,
     .back = std::nullopt,
     .detour = std::nullopt,
     .may_wait = true,
     .may_be_moot = true,
     .reads = "state, permissions, limits and rotation policy of the key, the DEK stores, whether all "
              "resources that use the key are known, and whether one of them would never follow; in a "
              "replacement, whether its successor can take the key's place",
     .does = "nothing that stays: it makes a new file beside one DEK of each folder, and takes it away",
     .asked_again = "it changes nothing outside"},
    {.step = Step::rotate,
     .next = Step::propagate,
     .back = std::nullopt,
     .detour = std::nullopt,
     .may_wait = true,
     .may_be_moot = false,
     .reads = "the versions; in a replacement the successor, and nothing is sent",
     .does = "puts a neutral rotation policy on the key where the configuration says so; sends one request "
             "that makes a new version, after its intent is durable",
     .asked_again =
         "a version that was not there at the claim is adopted; a request of unknown fate is given the "
         "provider's lag to show"},
    {.step = Step::propagate,
     .next = Step::verify,
     .back = std::nullopt,
     .detour = Step::quiesce,
     .may_wait = true,
     .may_be_moot = false,
     .reads = "the new version, each WDEK with the version it is on, and each resource that uses the key",
     .does = "re-wraps every WDEK that is not on the new version, batch by batch; names the new version to "
             "resources that do not follow by themselves, and waits for those that do",
     .asked_again = "what is on the new version is skipped; a replacement is atomic; a resource is told a "
                    "state, not a difference"},
    {.step = Step::quiesce,
     .next = Step::change,
     .back = std::nullopt,
     .detour = Step::resume,
     .may_wait = true,
     .may_be_moot = false,
     .reads =
         "every machine of one resource, by all ways that show some, with what it does; locks and rights",
     .does =
         "stops the machines that run, each after that is on record, in the policy's order and bounds; gives "
         "up when one cannot be stopped or the time is over",
     .asked_again = "a machine at rest is left alone; one whose stop is on record is ours to start again"},
    {.step = Step::change,
     .next = Step::resume,
     .back = Step::quiesce,
     .detour = Step::resume,
     .may_wait = true,
     .may_be_moot = false,
     .reads = "the machines once more, then the resource",
     .does =
         "names the new version to the resource and follows the change to its end; repeats one that came out "
         "partial; gives up when the time is over",
     .asked_again = "a resource is told a state, not a difference; what was asked is on record and followed"},
    {.step = Step::resume,
     .next = Step::verify,
     .back = std::nullopt,
     .detour = std::nullopt,
     .may_wait = true,
     .may_be_moot = false,
     .reads = "each machine that we stopped",
     .does = "starts the machines that we stopped, and no other",
     .asked_again = "one that runs or is gone is left alone"},
    {.step = Step::verify,
     .next = std::nullopt,
     .back = Step::propagate,
     .detour = std::nullopt,
     .may_wait = false,
     .may_be_moot = false,
     .reads = "the key, its current version, every WDEK and every resource",
     .does = "nothing",
     .asked_again = "it changes nothing outside"},
}};

/// The row of a step.
constexpr StepRule const& rule_of(Step step) {
  for (StepRule const& rule : workflow) {
    if (rule.step == step) return rule;
  }
  return workflow.front();
}

/// May a step end so? What the table does not allow is a defect of the step's code.
bool allowed(Step step, StepOutcome const& outcome);

/// The table as a document for people: a diagram (Mermaid) and what each step reads, does and bears.
std::string workflow_document();

}  // namespace rekeyd
