#include "tests/workflow/living_daemon.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <sstream>

namespace rekeyd {
namespace {

using test::LivingDaemon;

std::string text_of(std::filesystem::path const& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string source(std::string const& name) { return text_of(std::filesystem::path(REKEYD_SOURCE_DIR) / name); }

/// The shipped demonstration: example configuration and policies against the demo's world.
LivingDaemon::Files shipped() {
  LivingDaemon::Files files;
  files.world = std::filesystem::path(REKEYD_SOURCE_DIR) / "tests/simulator/worlds/demo.yaml";
  files.settings = source("config/examples/rekeyd.yaml");
  return files;
}

TEST_CASE("the shipped example rotates what is overdue at five clouds and leaves the rest alone") {
  LivingDaemon life(shipped());
  for (auto const& entry :
       std::filesystem::directory_iterator(std::filesystem::path(REKEYD_SOURCE_DIR) / "config/examples/policies.d")) {
    std::filesystem::copy_file(entry.path(), life.folder() / "policies.d" / entry.path().filename());
  }
  std::filesystem::remove(life.folder() / "policies.d/all.yaml");
  life.start();
  bool const settled = life.run_until([&] { return life.settled(); });
  for (daemon::KeyReport const& key : life.daemon().keys()) {
    UNSCOPED_INFO(key.key.text() << " " << to_text(key.verdict.status) << " " << key.verdict.sentence);
  }
  for (daemon::ProviderReport const& provider : life.daemon().status().providers) UNSCOPED_INFO(provider.last_error);
  REQUIRE(settled);
  CHECK(life.events(EventKind::rotation_done).size() == 10);
}

}  // namespace
}  // namespace rekeyd
