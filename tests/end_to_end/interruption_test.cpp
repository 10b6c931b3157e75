// rekeyd ends in the middle of its work, in order and not; what it began is finished once by its next life.
#include "tests/end_to_end/site.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <csignal>

namespace rekeyd::test {

namespace {

// Longer than any provider may take to show a version that it made.
constexpr auto longer_than_any_lag = std::chrono::minutes(25);

Organisation::Wanted slow_clouds() {
  Organisation::Wanted wanted;
  wanted.world_more = "latency_ms: 15\n";
  return wanted;
}

/// The request after so many is answered late, so that whatever it belongs to cannot be over.
void hold_up(Organisation& organisation, unsigned requests, std::chrono::milliseconds delay) {
  organisation.clouds.add_fault(fmt::format(
      R"({{"kind": "latency", "skip": {}, "times": 1, "delay_ms": {}}})", requests, delay.count()));
}

/// Waits until the clouds have got the request that is held up.
void await_requests(Organisation& organisation, unsigned requests) {
  organisation.site.await("the clouds get " + std::to_string(requests) + " requests",
                          [&] { return organisation.clouds.requests() > requests; });
}

void check_that_work_is_left(Site const& site) {
  CHECK(site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") < 5);
}

/// Every call that makes a version takes effect at once and is answered so much later.
void delay_answers_to_rotate_calls(Clouds& clouds, std::chrono::milliseconds delay) {
  for (char const* const path : {"*/create", "*/actions/rotate"}) {
    clouds.add_fault(fmt::format(R"({{"kind": "latency", "method": "POST", "path": "{}", "delay_ms": {}}})",
                                 path, delay.count()));
  }
}

void check_that_the_next_life_finishes(Organisation& organisation) {
  Site& site = organisation.site;
  organisation.let_pass(longer_than_any_lag);
  site.start();
  site.await_settled();
  CHECK(site.stop() == 0);
  auto const made = organisation.new_versions();
  CHECK(made.size() == 5);
  for (auto const& [key, count] : made) {
    INFO(key);
    CHECK(count == 1);
  }
  CHECK_THAT(organisation.amiss_with_deks(), Catch::Equals(""));
  CHECK_THAT(organisation.amiss_with_history(), Catch::Equals(""));
  CHECK(site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") == 5);
}

}  // namespace

TEST_CASE("SIGTERM in the middle of work ends rekeyd at a step's edge and its next life finishes") {
  auto const requests = GENERATE(3U, 50U, 75U, 110U, 120U);
  CAPTURE(requests);
  Organisation organisation(slow_clouds());
  Site& site = organisation.site;
  hold_up(organisation, requests, std::chrono::seconds(1));
  site.start();
  await_requests(organisation, requests);
  CHECK(site.stop() == 0);
  check_that_work_is_left(site);
  CHECK(site.number("SELECT count(*) FROM steps WHERE ended_at IS NULL") == 0);
  CHECK(site.text("SELECT kind FROM audit_events ORDER BY sequence DESC LIMIT 1") == "daemon_stopped");
  check_that_the_next_life_finishes(organisation);
}

TEST_CASE("after SIGKILL at any moment every due key gets one new version and no DEK is lost") {
  auto const requests = GENERATE(1U, 40U, 52U, 64U, 76U, 88U, 98U, 108U, 118U, 128U);
  CAPTURE(requests);
  Organisation organisation(slow_clouds());
  hold_up(organisation, requests, std::chrono::minutes(1));
  organisation.site.start();
  await_requests(organisation, requests);
  organisation.site.kill();
  check_that_work_is_left(organisation.site);
  check_that_the_next_life_finishes(organisation);
}

TEST_CASE("SIGTERM while rotate calls are on their way waits for their answers and records them") {
  Organisation organisation;
  delay_answers_to_rotate_calls(organisation.clouds, std::chrono::seconds(2));
  Site& site = organisation.site;
  site.start();
  site.await("the clouds have rotated", [&] { return organisation.new_versions().size() == 5; });
  CHECK(site.stop() == 0);
  CHECK(site.number("SELECT count(*) FROM steps WHERE step = 'rotate' AND outcome = 'done'") == 5);
  CHECK(site.number("SELECT count(*) FROM steps WHERE step = 'propagate'") == 0);
  organisation.clouds.clear_faults();
  check_that_the_next_life_finishes(organisation);
}

TEST_CASE("SIGKILL between a rotation and its answer leads to no second version") {
  Organisation organisation;
  delay_answers_to_rotate_calls(organisation.clouds, std::chrono::seconds(20));
  Site& site = organisation.site;
  site.start();
  site.await("the clouds have rotated", [&] { return organisation.new_versions().size() == 5; });
  site.kill();
  CHECK(site.number("SELECT count(*) FROM steps WHERE step = 'rotate' AND ended_at IS NULL") == 5);
  site.start();
  site.await_settled();
  CHECK(site.stop() == 0);
  check_that_the_next_life_finishes(organisation);
  CHECK(site.number("SELECT count(*) FROM audit_rotations WHERE new_version_made_by = 'rekeyd'") == 5);
}

}  // namespace rekeyd::test
