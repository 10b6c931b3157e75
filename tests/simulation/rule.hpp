#pragma once
#include "tests/simulation/disk/simulated_disk.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/scene.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::simulation {

/// One invariant, told of everything that could break it. It looks only at what has changed; what is dear is
/// looked at after a crash, at a rotation's end, and at the end of all.
class Rule {
 public:
  explicit Rule(Scene& scene) : scene_(scene) {}
  virtual ~Rule() = default;
  Rule(Rule const&) = delete;
  Rule& operator=(Rule const&) = delete;

  /// A life of the daemon has begun: its state is read, its policies are loaded.
  virtual void began() {}
  /// The policies in force are (or may be) others now.
  virtual void reloaded() {}
  /// It became durable. `scene.on_record` still shows what was before.
  virtual void committed(storage::Change const&) {}
  /// A commit failed.
  virtual void refused(Error const&, bool /*disk_is_sound*/) {}
  virtual void sent(Letter const&) {}
  /// A request of the daemon took effect or was refused; `made`: what new versions it left.
  virtual void arrived(Letter const&, sim::Delivery const&, std::vector<Truth::NewVersion> const&) {}
  virtual void wrote_deks(std::vector<DekId> const&) {}
  /// A day has passed. The daemon may be dead.
  virtual void looked_around() {}
  /// The daemon ended in order: nothing of it should be left.
  virtual void ended_in_order() {}
  /// Between two lives, after a crash or a stop; `scene.database` tells what is left of it.
  virtual void left_behind() {}
  /// Nothing has gone wrong for days, the daemon still runs.
  virtual void at_rest() {}

 protected:
  Verdicts& verdicts() const { return scene_.verdicts; }
  Scene& scene_;
};

using Rules = std::vector<std::unique_ptr<Rule>>;

std::unique_ptr<Rule> make_due_dates(Scene& scene);
std::unique_ptr<Rule> make_version_history(Scene& scene);
std::unique_ptr<Rule> make_registrations(Scene& scene);
std::unique_ptr<Rule> make_stopped_vms(Scene& scene);
std::unique_ptr<Rule> make_retirement(Scene& scene);
std::unique_ptr<Rule> make_restraint(Scene& scene, std::vector<ClosedTime> closed);
std::unique_ptr<Rule> make_sound_storage(Scene& scene);
std::unique_ptr<Rule> make_steady_dates(Scene& scene);
std::unique_ptr<Rule> make_one_owner(Scene& scene, std::string vfs);
std::unique_ptr<Rule> make_endings(Scene& scene, Network const& network);

/// Number 3 needs to see the files and to open what is in them.
struct DekTruth {
  SimulatedDisk const& disk;
  std::filesystem::path folder;                       ///< Of the store: a WDEK's id is a path under it.
  std::map<std::string, std::string> sha256_by_file;  ///< Whole path → SHA-256 of its DEK.
  sim::Cloud const& cloud;
};
std::unique_ptr<Rule> make_wrapped_deks(Scene& scene, DekTruth truth);

}  // namespace rekeyd::simulation
