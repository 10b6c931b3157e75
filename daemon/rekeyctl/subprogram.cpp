#include "daemon/rekeyctl/subprogram.hpp"

#include "daemon/control/socket_file.hpp"

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to its users.

namespace rekeyd::rekeyctl {

namespace fs = std::filesystem;
using daemon::Descriptor;

namespace {

Error error_of(std::string what, fs::path const& program) {
  Error error;
  error.delivery = Delivery::not_sent;
  error.what = std::move(what);
  error.where = program.string();
  return error;
}

Error system_error(int number, char const* act, fs::path const& program) {
  return error_of(std::string(act) + ": " + std::generic_category().message(number), program);
}

/// Everything until its end, or an errno.
int read_to_end(int descriptor, std::string& out) {
  std::array<char, 65536> room{};
  for (;;) {
    ssize_t const got = ::read(descriptor, room.data(), room.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return 0;
    out.append(room.data(), static_cast<std::size_t>(got));
  }
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// 0, or an errno.
int spawn(fs::path const& program, std::vector<std::string>& arguments, int out, pid_t& child) {
  std::vector<char*> pointers;
  std::string name = program.string();
  pointers.push_back(name.data());
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  if (int const problem = ::posix_spawn_file_actions_init(&actions); problem != 0) return problem;
  int problem = ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  if (problem == 0)
    problem = ::posix_spawn(&child, name.c_str(), &actions, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  return problem;
}

}  // namespace

Result<fs::path> find_subprogram(std::string const& name) {
  fs::path const installed = fs::path(REKEYD_LIBEXEC_DIR) / name;
  std::error_code unknown;
  fs::path const here = fs::read_symlink("/proc/self/exe", unknown).parent_path();
  for (fs::path const& candidate :
       {here / name, (here / REKEYD_LIBEXEC_FROM_BIN / name).lexically_normal(), installed}) {
    if (candidate.is_absolute() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  Error error = error_of("the program that this command needs is not installed", installed);
  error.code = "not_installed";
  error.remedy = "install it; a rekeyd that was built with REKEYD_TESTS=OFF comes without it";
  return std::unexpected(std::move(error));
}

Result<SubprogramEnded> run_subprogram(fs::path const& program, std::vector<std::string> arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return std::unexpected(system_error(errno, "no pipe can be made", program));
  Descriptor const ours(ends[0]);
  pid_t child = 0;
  {
    Descriptor const theirs(ends[1]);
    if (int const problem = spawn(program, arguments, theirs.get(), child); problem != 0)
      return std::unexpected(system_error(problem, "it cannot be started", program));
  }
  SubprogramEnded ended;
  int const problem = read_to_end(ours.get(), ended.out);
  ended.exit = wait_for(child);
  if (problem != 0) return std::unexpected(system_error(problem, "it cannot be heard", program));
  return ended;
}

}  // namespace rekeyd::rekeyctl
