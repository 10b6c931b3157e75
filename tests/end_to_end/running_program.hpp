#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace rekeyd::test {

/// A program that runs beside the test, in a process group of its own. Its output goes to a file. When this
/// goes, and when the test itself dies, the whole group is killed: nothing is left behind.
class RunningProgram {
 public:
  /// `environment` is all of it. Output is appended to `log`. Throws std::system_error if it cannot be
  /// started.
  RunningProgram(std::vector<std::string> const& command,
                 std::map<std::string, std::string> const& environment, std::filesystem::path log);
  ~RunningProgram();
  RunningProgram(RunningProgram const&) = delete;
  RunningProgram& operator=(RunningProgram const&) = delete;

  /// Asks until `holds` does. False when `patience` is over, or when the program has ended and it still does
  /// not hold.
  bool wait_until(std::function<bool()> const& holds, std::chrono::seconds patience) const;

  void send(int signal) const;
  /// Its exit code, or minus the signal that ended it; nothing if it still runs after `patience`.
  std::optional<int> wait_for_end(std::chrono::seconds patience);
  void kill_now();

  pid_t pid() const { return pid_; }
  std::string log() const;

 private:
  bool ended_within(std::chrono::milliseconds span) const;
  void reap();

  pid_t pid_{};
  int handle_{-1};  ///< A pidfd: readable once the program has ended.
  std::optional<int> ended_;
  std::filesystem::path log_;
};

/// The whole file, or empty.
std::string text_of(std::filesystem::path const& file);

}  // namespace rekeyd::test
