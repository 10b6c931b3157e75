#include "policy/rotation.hpp"

#include "tests/policy/key_maker.hpp"

#include <catch2/catch.hpp>

namespace rekeyd {
namespace {

using test::a_version;
using test::at;

Instant const now = at("2026-06-01T12:00:00Z");

Rotation claimed() {
  Rotation rotation;
  rotation.id = RotationId("op-1");
  rotation.step = Step::rotate;
  rotation.base_version = VersionId("v1");
  rotation.known_versions = {VersionId("v1")};
  rotation.opened = now;
  return rotation;
}

Rotation just_sent() {
  Rotation rotation = claimed();
  rotation.sent = RequestsSent{now, now};
  return rotation;
}

Error an_error(ErrorClass error_class) {
  Error error;
  error.error_class = error_class;
  error.what = "something";
  error.remedy = "do this";
  return error;
}

TEST_CASE("done leads through every step to the end") {
  Rotation rotation;
  std::vector<std::string> steps;
  while (rotation.state == RotationState::open) {
    steps.emplace_back(to_text(rotation.step));
    rotation = advance(rotation, StepDone{}, now);
  }
  CHECK(steps == std::vector<std::string>{"claim", "preflight", "rotate", "propagate", "verify"});
  CHECK(rotation.state == RotationState::done);
  CHECK(rotation.ended == now);
}

TEST_CASE("a transient failure is tried again later and later, for ever") {
  Rotation rotation = claimed();
  std::chrono::seconds last(0);
  for (int i = 0; i < 50; ++i) {
    rotation = advance(rotation, StepAgain{an_error(ErrorClass::transient)}, now);
    REQUIRE(rotation.state == RotationState::open);
    REQUIRE(rotation.step == Step::rotate);
    std::chrono::seconds const delay = *rotation.next_try - now;
    REQUIRE(delay >= last);
    REQUIRE(delay <= std::chrono::hours(1));
    last = delay;
  }
  CHECK(last == std::chrono::hours(1));
  CHECK(rotation.attempts == 50);
  CHECK(rotation.remedy == "do this");
}

TEST_CASE("the provider's hint is never undercut") {
  Error error = an_error(ErrorClass::transient);
  error.retry_after = std::chrono::hours(2);
  CHECK(backoff(1, error) == std::chrono::hours(2));
}

TEST_CASE("a permanent failure blocks at once, a missing permission after some tries") {
  Rotation const blocked = advance(claimed(), StepAgain{an_error(ErrorClass::permanent)}, now);
  CHECK(blocked.state == RotationState::blocked);
  CHECK(blocked.blocked_reason == "permanent_error");
  CHECK_FALSE(blocked.next_try);

  Rotation rotation = claimed();
  int tries = 0;
  while (rotation.state == RotationState::open) {
    rotation = advance(rotation, StepAgain{an_error(ErrorClass::access)}, now);
    ++tries;
  }
  CHECK(tries == failures_max(ErrorClass::access));
  CHECK(rotation.blocked_reason == "access_error");
}

TEST_CASE("waiting is no failure, and a step that ends well forgets the failures before it") {
  Rotation rotation = advance(claimed(), StepAgain{an_error(ErrorClass::transient)}, now);
  rotation = advance(rotation, StepWait{now + std::chrono::minutes(5), "not shown yet"}, now);
  CHECK(rotation.attempts == 1);
  CHECK(rotation.next_try == now + std::chrono::minutes(5));
  rotation = advance(rotation, StepDone{}, now);
  CHECK(rotation.attempts == 0);
  CHECK_FALSE(rotation.next_try);
  CHECK(rotation.step == Step::propagate);
}

TEST_CASE("a blocked rotation that is tried again starts its step without old failures") {
  Rotation const again = reopened(advance(claimed(), StepAgain{an_error(ErrorClass::permanent)}, now), now);
  CHECK(again.state == RotationState::open);
  CHECK(again.step == Step::rotate);
  CHECK(again.attempts == 0);
  CHECK(again.blocked_reason.empty());
}

TEST_CASE("our own stopping is no failure of the step") {
  Rotation const after = advance(claimed(), StepAgain{an_error(ErrorClass::cancelled)}, now);
  CHECK(after.state == RotationState::open);
  CHECK(after.attempts == 0);
  CHECK(after.next_try == now + std::chrono::seconds(30));
}

TEST_CASE("going back does an earlier step again") {
  Rotation rotation = claimed();
  rotation.step = Step::verify;
  rotation = advance(rotation, StepBack{Step::propagate, "rotated again"}, now);
  CHECK(rotation.step == Step::propagate);
  CHECK(rotation.state == RotationState::open);
}

// The heart of never doubling: what the rotate step does for everything that the provider may show.
constexpr auto lag = std::chrono::minutes(2);

TEST_CASE("nothing sent and nothing new: the request goes out") {
  std::vector<KeyVersion> const versions{a_version("v1", "2026-01-01T00:00:00Z")};
  CHECK(std::holds_alternative<SendRotate>(decide_rotate(claimed(), versions, lag, now)));
}

TEST_CASE("a request of unknown fate is given the provider's lag before it is sent again") {
  std::vector<KeyVersion> const versions{a_version("v1", "2026-01-01T00:00:00Z")};
  Rotation rotation = claimed();
  rotation.sent = RequestsSent{now, now};
  // Under way for a while, and then not seen at once.
  Instant const settled = now + request_life_max + lag;
  RotateDecision const early = decide_rotate(rotation, versions, lag, settled - std::chrono::seconds(1));
  REQUIRE(std::holds_alternative<LookAgain>(early));
  CHECK(std::get<LookAgain>(early).at == settled);
  CHECK(std::holds_alternative<SendRotate>(decide_rotate(rotation, versions, lag, settled)));
}

TEST_CASE("a version with our operation id is ours, wherever it stands in the list") {
  KeyVersion ours = a_version("v2", "2026-06-01T12:00:01Z");
  ours.operation = RotationId("op-1");
  std::vector<KeyVersion> const versions{a_version("v1", "2026-01-01T00:00:00Z"), ours,
                                         a_version("v3", "2026-06-01T12:00:02Z")};
  RotateDecision const decision = decide_rotate(claimed(), versions, lag, now);
  REQUIRE(std::holds_alternative<AdoptVersion>(decision));
  CHECK(std::get<AdoptVersion>(decision).version.id == VersionId("v2"));
  CHECK(std::get<AdoptVersion>(decision).made_by == MadeBy::rekeyd);
}

TEST_CASE("a version that appeared after our request is ours, before any request someone else's") {
  std::vector<KeyVersion> const versions{a_version("v1", "2026-01-01T00:00:00Z"),
                                         a_version("v2", "2026-06-01T12:00:01Z")};
  Rotation rotation = claimed();
  CHECK(std::get<AdoptVersion>(decide_rotate(rotation, versions, lag, now)).made_by == MadeBy::other);
  rotation.sent = RequestsSent{now, now};
  CHECK(std::get<AdoptVersion>(decide_rotate(rotation, versions, lag, now)).made_by == MadeBy::rekeyd);
}

TEST_CASE("a version of ours is ours although our clock is five minutes ahead of the provider's") {
  Rotation const rotation = just_sent();
  std::vector<KeyVersion> versions{a_version("v1", "2026-01-01T00:00:00Z"),
                                   a_version("v2", "2026-01-01T00:00:00Z")};
  versions.back().created = now - std::chrono::minutes(5);
  CHECK(std::get<AdoptVersion>(decide_rotate(rotation, versions, lag, now)).made_by == MadeBy::rekeyd);
  versions.back().created = now - std::chrono::minutes(7);
  CHECK(std::get<AdoptVersion>(decide_rotate(rotation, versions, lag, now)).made_by == MadeBy::other);
}

TEST_CASE("a version is ours, and a later one of somebody else does not hide it") {
  Rotation const rotation = just_sent();
  std::vector<KeyVersion> versions{a_version("v1", "2026-01-01T00:00:00Z"),
                                   a_version("v2", "2026-01-01T00:00:00Z"),
                                   a_version("v3", "2026-01-01T00:00:00Z")};
  versions[1].created = now + std::chrono::seconds(1);
  versions[2].created = now + std::chrono::hours(30);
  auto const adopted = std::get<AdoptVersion>(decide_rotate(rotation, versions, lag, now));
  CHECK(adopted.version.id == VersionId("v2"));
  CHECK(adopted.made_by == MadeBy::rekeyd);
}

TEST_CASE("a version that was made when no request of ours could arrive any more is someone else's") {
  Rotation const rotation = just_sent();
  std::vector<KeyVersion> versions{a_version("v1", "2026-01-01T00:00:00Z"),
                                   a_version("v2", "2026-01-01T00:00:00Z")};
  versions.back().created = now + request_life_max + std::chrono::minutes(7);
  CHECK(std::get<AdoptVersion>(decide_rotate(rotation, versions, lag, now)).made_by == MadeBy::other);
}

TEST_CASE("a version with someone else's operation id is not ours although we sent a request") {
  KeyVersion theirs = a_version("v2", "2026-06-01T12:00:01Z");
  theirs.operation = RotationId("op-of-another");
  std::vector<KeyVersion> const versions{a_version("v1", "2026-01-01T00:00:00Z"), theirs};
  Rotation rotation = claimed();
  rotation.sent = RequestsSent{now, now};
  CHECK(std::get<AdoptVersion>(decide_rotate(rotation, versions, lag, now)).made_by == MadeBy::other);
}

}  // namespace
}  // namespace rekeyd
