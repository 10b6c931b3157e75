// A disk that refuses: what cannot be put on record does not begin, and a person can see why.
#include "tests/workflow/living_daemon.hpp"
#include "tests/workflow/small_world.hpp"

#include <catch2/catch.hpp>

#include <csignal>

#include <sys/resource.h>

namespace rekeyd {
namespace {

using Catch::Matchers::Contains;
using test::LivingDaemon;

/// As long as it lives no file of this process can be written.
class NothingCanBeWritten {
 public:
  NothingCanBeWritten() {
    std::signal(SIGXFSZ, SIG_IGN);  // The write is then an error like that of a full disk.
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit none = before_;
    none.rlim_cur = 0;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &none) == 0);
  }
  ~NothingCanBeWritten() { setrlimit(RLIMIT_FSIZE, &before_); }
  NothingCanBeWritten(NothingCanBeWritten const&) = delete;
  NothingCanBeWritten& operator=(NothingCanBeWritten const&) = delete;

 private:
  rlimit before_{};
};

constexpr char const* enforced =
    "version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: 6 months }\n";
constexpr char const* watched =
    "version: 1\npolicies:\n  - { name: all, match: { key: \"*\" }, every: 6 months, mode: observe }\n";

TEST_CASE("while nothing can be put on record nothing begins and status says why") {
  LivingDaemon::Files files = test::small_world();
  files.policies = watched;
  // The edit below is meant, however many keys it makes due.
  std::string const some = "storm_warning_percent: 20";
  files.settings.replace(files.settings.find(some), some.size(), "storm_warning_percent: 100");
  // Just enough for the three that are due: what was never on record must not count.
  std::string const many = "per_hour: 60";
  files.settings.replace(files.settings.find(many), many.size(), "per_hour: 3");
  LivingDaemon life(files);
  life.start();
  REQUIRE(life.run_until([&] { return life.daemon().keys().size() == 5; }));
  auto const before = test::keys_at_clouds(life);
  life.write_policies(enforced);
  auto const reloaded = life.daemon().reload("a test");
  REQUIRE(reloaded);
  REQUIRE(reloaded->applied);
  auto const told = [&] { return !life.daemon().status().warnings.empty(); };
  {
    NothingCanBeWritten const full;
    REQUIRE(life.run_until(told, std::chrono::seconds(5)));
    life.run_for(std::chrono::minutes(10));
    CHECK(told());
  }
  CHECK_THAT(life.daemon().status().warnings.front(), Contains("no rotation begins: "));
  CHECK(life.daemon().status().counts["overdue"] == 3);
  CHECK(test::keys_at_clouds(life) == before);
  CHECK(life.events(EventKind::rotation_opened).empty());

  // It rests for a minute after a refusal, and tries again by itself.
  REQUIRE(life.run_until([&] { return life.settled(); }, std::chrono::minutes(5)));
  CHECK_FALSE(told());
  CHECK(life.events(EventKind::rotation_done).size() == 3);
  life.stop();
  test::require_sound_history(life.database());
}

}  // namespace
}  // namespace rekeyd
