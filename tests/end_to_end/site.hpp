#pragma once
#include "tests/daemon/child_process.hpp"
#include "tests/end_to_end/clouds.hpp"
#include "tests/end_to_end/running_program.hpp"
#include "tests/end_to_end/world_text.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/json/fwd.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rekeyd::test {

/// One installation in a folder of its own: configuration, policies, credentials, state, wrapped DEKs, a
/// rekeyd that can be started, ended and killed, and rekeyctl. What has become of its folder and programs is
/// told when a test fails.
class Site {
 public:
  Site();

  std::filesystem::path const& folder() const { return folder_.path(); }
  std::filesystem::path config_file() const { return folder() / "etc/rekeyd.yaml"; }
  std::filesystem::path deks() const { return folder() / "deks"; }
  std::filesystem::path state() const { return folder() / "state"; }
  std::filesystem::path database() const { return state() / "rekeyd.db"; }
  std::filesystem::path socket() const { return folder() / "run/control.sock"; }
  std::filesystem::path credential(std::string const& name) const { return folder() / "credentials" / name; }

  /// What Clouds wants to serve this folder.
  Clouds::Options clouds_options(std::string world) const;
  /// Settings that lead to `port`, with the CA of this folder.
  SettingsText settings(std::uint16_t port) const;
  void write_settings(SettingsText const& settings) const;
  void write_policies(std::string const& text) const { folder_.write("etc/policies.d/all.yaml", text); }
  std::filesystem::path write(std::filesystem::path const& name, std::string const& text) const {
    return folder_.write(name, text);
  }

  std::map<std::string, std::string>& environment() { return environment_; }

  /// Starts rekeyd and returns once it answers at its control socket.
  void start();
  /// Ends it in order; its exit code.
  int stop();
  void kill();
  RunningProgram& daemon() { return *daemon_; }
  bool runs() const { return daemon_ != nullptr; }
  /// Runs rekeyd to its end, for starts that must fail.
  Ended run_daemon_to_its_end();
  /// What every life so far has logged.
  std::string log() const;

  Ended rekeyctl(std::vector<std::string> const& arguments);
  /// The document of `rekeyctl ARGUMENTS -o json`, whatever its exit code.
  boost::json::value ask(std::vector<std::string> arguments);
  /// One key of `rekeyctl keys`: "azure/payments/cmk-due".
  boost::json::value key(std::string const& reference);

  /// Waits until `holds`; fails the test with the daemon's log when it does not.
  void await(std::string const& what, std::function<bool()> const& holds,
             std::chrono::seconds patience = std::chrono::seconds(40));
  /// Every provider has been read, and no key is due, rotating, waiting or unknown.
  void await_settled(std::chrono::seconds patience = std::chrono::seconds(40));
  bool settled();

  /// The first column of the first row.
  std::int64_t number(std::string const& sql) const;
  std::string text(std::string const& sql) const;
  /// While no daemon runs: as if unfinished rotations had been tried so much longer ago.
  void let_pass(std::chrono::seconds span) const;

 private:
  TemporaryFolder folder_;
  std::map<std::string, std::string> environment_;
  std::unique_ptr<RunningProgram> daemon_;
};

/// A site with its clouds, as most tests want it.
struct Organisation {
  struct Wanted {
    WorldKeys keys = one_due_key_everywhere();
    std::string world_more;
    std::function<void(SettingsText&)> settings = [](SettingsText&) {};
    std::string policies = rotate_everything();
  };
  explicit Organisation(Wanted const& wanted);
  Organisation() : Organisation(Wanted()) {}

  /// What is amiss with the wrapped DEKs: each must unwrap to one of the DEKs of the beginning, and be on the
  /// current version of the key that it names; none may be missing or there twice. Empty when all is well.
  std::string amiss_with_deks();
  /// The same, whatever version they are on: what has to hold at every moment.
  std::string unreadable_deks();
  /// How many versions each key has more than in the beginning; keys without are left out.
  std::map<std::string, std::size_t> new_versions();
  /// While no daemon runs: as if what it has tried, and what has happened at the clouds, had been so much
  /// earlier.
  void let_pass(std::chrono::seconds span);
  /// `rekeyctl verify`, its words when it does not end with 0.
  std::string amiss_with_history();

  Site site;
  Clouds clouds;
  CloudKeys before;

 private:
  std::string amiss_with_deks(bool on_current_version);
};

}  // namespace rekeyd::test
