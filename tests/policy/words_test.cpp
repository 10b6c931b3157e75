#include "policy/error.hpp"
#include "policy/history_event.hpp"
#include "policy/hold.hpp"
#include "policy/key.hpp"
#include "policy/key_status.hpp"
#include "policy/rotation.hpp"
#include "policy/rotation_policy.hpp"

#include <catch2/catch.hpp>

namespace rekeyd {
namespace {

/// Every word that is printed is read back as the same value; the first number without a word ends the walk.
template <class Enum, class Parse>
int words_round_trip(Parse parse) {
  int count = 0;
  for (;; ++count) {
    auto const value = static_cast<Enum>(count);
    std::string const word = to_text(value);
    if (word.empty()) return count;
    REQUIRE(parse(word) == value);
  }
}

TEST_CASE("what is printed is what is read") {
  CHECK(words_round_trip<KeyState>(parse_key_state) == 5);
  CHECK(words_round_trip<KeyAlgorithm>(parse_key_algorithm) == 4);
  CHECK(words_round_trip<Protection>(parse_protection) == 2);
  CHECK(words_round_trip<Origin>(parse_origin) == 2);
  CHECK(words_round_trip<MadeBy>(parse_made_by) == 4);
  CHECK(words_round_trip<KeyStatus>(parse_key_status) == 8);
  CHECK(words_round_trip<WaitsFor>(parse_waits_for) == 8);
  CHECK(words_round_trip<EventKind>(parse_event_kind) == 41);
  CHECK(words_round_trip<EventOutcome>(parse_event_outcome) == 3);
  CHECK(words_round_trip<Step>(parse_step) == 8);
  CHECK(words_round_trip<RotationState>(parse_rotation_state) == 4);
  CHECK(words_round_trip<Trigger>(parse_trigger) == 5);
  CHECK(words_round_trip<Mode>(parse_mode) == 3);
  CHECK(words_round_trip<RetireBy>(parse_retire_by) == 2);
  CHECK(words_round_trip<HoldKind>(parse_hold_kind) == 4);
  CHECK(words_round_trip<BrakeScope::Kind>(parse_brake_scope) == 3);
  CHECK(words_round_trip<WrapBy>(parse_wrap_by) == 2);
  CHECK_FALSE(parse_key_state("Active"));
}

TEST_CASE("an error tells what, where, the provider's words and the remedy in one line") {
  Error error;
  error.what = "the rotation was refused";
  error.where = "POST /keys/k/rotate";
  error.code = "Forbidden";
  error.http_status = 403;
  error.request_id = "req-1";
  error.remedy = "grant keys/rotate";
  CHECK(to_text(error) ==
        "the rotation was refused (Forbidden, HTTP 403) at POST /keys/k/rotate; request id req-1; grant "
        "keys/rotate");
}

}  // namespace
}  // namespace rekeyd
