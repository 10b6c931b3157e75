#include "tests/workflow/living_daemon.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>

namespace rekeyd {
namespace {

using test::LivingDaemon;

/// Lives for `handlers` handlers, crashes, and lives on to the end. True when the crash came before the end.
bool crash_after(LivingDaemon& life, int handlers) {
  life.start();
  for (int i = 0; i < handlers; ++i) {
    if (life.settled() && life.events(EventKind::rotation_done).size() == 3) return false;
    if (!life.step()) return false;
  }
  life.crash();
  test::require_sound_history(life.database());
  life.start();
  return true;
}

void require_one_new_version_each(LivingDaemon& life) {
  REQUIRE(
      life.run_until([&] { return life.settled() && life.events(EventKind::rotation_done).size() == 3; }));
  auto const keys = test::keys_at_clouds(life);
  REQUIRE(keys.at(test::vault_key).versions.size() == 3);
  REQUIRE(keys.at(test::hsm_key).versions.size() == 2);
  REQUIRE(keys.at(test::ibm_key).versions.size() == 2);
  REQUIRE(test::keys_on_record(life) == keys);
  test::require_versions_told_once(life);
  test::require_deks_on_current_versions(life);
}

TEST_CASE("a crash anywhere in the work leads to the same end") {
  // Three rotations side by side; a stride that shares no factor with the rhythm of the work, so that over
  // the run every kind of moment is hit. tests/crash_points goes through all of them, one rotation at a time.
  bool crashed = true;
  int crashes = 0;
  for (int handlers = 1; crashed; handlers += 11) {
    INFO("crash after " << handlers << " handlers");
    LivingDaemon life(test::small_world());
    crashed = crash_after(life, handlers);
    if (crashed) ++crashes;
    test::require_deks_readable(life);
    require_one_new_version_each(life);
  }
  CHECK(crashes > 25);
}

TEST_CASE("a life of many crashes leads to the same end") {
  LivingDaemon life(test::small_world());
  for (int handlers = 40; handlers < 400; handlers += 17) {
    life.start();
    for (int i = 0; i < handlers; ++i) {
      if (!life.step()) break;
    }
    test::require_deks_readable(life);
    life.crash();
  }
  life.start();
  require_one_new_version_each(life);
  life.stop();
  test::require_sound_history(life.database());
}

}  // namespace
}  // namespace rekeyd
