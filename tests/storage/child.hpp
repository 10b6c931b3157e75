#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace rekeyd::storage::test {

/// Another user, as a program started by it would be.
struct User {
  uid_t uid{};
  gid_t gid{};
  std::vector<gid_t> groups{};
};

struct Output {
  int status{-1};  ///< Exit status; 128 + signal if one ended it.
  std::string out;
  std::string err;
};

/// Runs a program to its end, as `user` if one is given.
Output run_program(std::vector<std::string> const& arguments, std::optional<User> const& user = {});

/// Runs `work` in a process of its own, as `user` if one is given, and returns what it returned; "died: ..."
/// if it did not return. For what would harm this process: limits, mounts, kills, other users.
std::string in_child(std::function<std::string()> const& work, std::optional<User> const& user = {});

/// A process that has done `work`, and then does `afterwards` or nothing until it is killed.
class WaitingChild {
 public:
  /// Returns after `work` has returned; its answer is in said().
  explicit WaitingChild(
      std::function<std::string()> const& work, std::optional<User> const& user = {},
      std::function<void()> const& afterwards = [] {});
  WaitingChild(WaitingChild const&) = delete;
  WaitingChild& operator=(WaitingChild const&) = delete;
  ~WaitingChild();
  std::string const& said() const { return said_; }
  pid_t pid() const { return pid_; }
  void kill_now();

 private:
  pid_t pid_;
  std::string said_;
};

bool is_root();

}  // namespace rekeyd::storage::test
