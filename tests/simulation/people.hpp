#pragma once
#include "daemon/daemon.hpp"
#include "tests/simulation/address_book.hpp"
#include "tests/simulation/home.hpp"
#include "tests/simulation/scenario.hpp"
#include "tests/simulation/scene.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rekeyd::simulation {

/// People with accounts at the clouds and on the daemon's host, who do what people do: rotate, disable,
/// delete and tag keys behind our back, edit policies, and mend what is blocked.
class People {
 public:
  People(Scene& scene, sim::Cloud& cloud, Home& home, Scenario const& scenario);

  /// From now on they act, each in his own rhythm, until they rest.
  void begin();
  /// They put right whatever they changed, and touch nothing any more.
  void rest();
  /// Called when something may be amiss: a person tries blocked rotations again, days after the last time.
  void look_after(daemon::Daemon& daemon);
  /// The same at once, as at the end.
  void retry_blocked(daemon::Daemon& daemon);

  /// The host's clock has been set to what it should not be: sooner or later somebody sets it right, and lets
  /// go what it holds or leaves that to the daemon.
  void hear_of_wrong_clock();
  /// The daemon, if one lives.
  std::function<daemon::Daemon*()> find_daemon = [] { return nullptr; };
  /// Somebody sets the host's clock right.
  std::function<void()> on_clock_set_right = [] {};

  /// Somebody has written other policies and wants the daemon to read them.
  std::function<void()> on_new_policies = [] {};

 private:
  using Act = void (People::*)();
  void often(std::uint64_t times_a_year, Act act);
  void edit_policies();
  void rotate();
  void disable();
  void enable(std::string const& key);
  void remove();
  void recover(std::string const& key);
  void tag();
  void change_registration();
  void touch_machine();
  void replace();
  void mend_machines();
  void try_again(daemon::Daemon& daemon, Rotation const& blocked);
  void set_clock_right();
  void release();

  std::string some_key();
  bool usable(std::string const& key) const;
  /// True when the cloud did it.
  bool ask(Place const& place, std::string const& method, std::string const& target, std::string const& body);
  std::string token(Place const& place);
  std::string enabled_path(std::string const& key) const;
  void did(std::string const& what);

  Scene& scene_;
  sim::Cloud& cloud_;
  Home& home_;
  Scenario const& scenario_;
  bool resting_{false};
  std::size_t policies_{0};
  std::size_t successors_{0};                    ///< Names that were given to keys to be made.
  std::map<std::string, std::string> disabled_;  ///< Key → at Azure, the version that is switched off.
  std::set<std::string> removed_;
  providers::Clock::Mono looked_after_{};
};

}  // namespace rekeyd::simulation
