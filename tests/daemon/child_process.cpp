#include "tests/daemon/child_process.hpp"

#include "daemon/control/socket_file.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <spawn.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace rekeyd::test {

using daemon::Descriptor;

namespace {

struct Ends {
  Descriptor ours, theirs;
};

int checked(int result, char const* act) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), act);
  return result;
}

Ends pipe_ends() {
  std::array<int, 2> ends{};
  checked(pipe2(ends.data(), O_CLOEXEC), "pipe2");
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

// Raw, so that what was written is what is read.
Ends terminal_ends() {
  int ours = -1, theirs = -1;
  checked(openpty(&ours, &theirs, nullptr, nullptr, nullptr), "openpty");
  Ends ends{Descriptor(ours), Descriptor(theirs)};
  termios mode{};
  checked(tcgetattr(theirs, &mode), "tcgetattr");
  cfmakeraw(&mode);
  checked(tcsetattr(theirs, TCSANOW, &mode), "tcsetattr");
  checked(fcntl(ours, F_SETFD, FD_CLOEXEC), "fcntl");
  checked(fcntl(theirs, F_SETFD, FD_CLOEXEC), "fcntl");
  return ends;
}

Ends stdout_ends(ChildOptions const& options) {
  if (options.terminal) return terminal_ends();
  if (!options.out_file.empty()) {
    return {Descriptor(), Descriptor(checked(open(options.out_file.c_str(), O_WRONLY | O_CLOEXEC), "open"))};
  }
  Ends ends = pipe_ends();
  if (options.reader_gone) Descriptor const closed = std::move(ends.ours);
  return ends;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

pid_t spawn(std::vector<std::string> command, ChildOptions const& options, int out, int err) {
  std::vector<std::string> environment;
  for (auto const& [name, value] : options.environment) environment.push_back(name + "=" + value);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
  pid_t child = 0;
  int const problem = posix_spawn(&child, command.front().c_str(), &actions, nullptr,
                                  pointers(command).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) throw std::system_error(problem, std::generic_category(), command.front());
  return child;
}

/// Reads what is there; false at the end. A terminal whose last user has gone answers EIO.
bool read_some(int descriptor, std::string& into) {
  std::array<char, 4096> room{};
  ssize_t const count = read(descriptor, room.data(), room.size());
  if (count <= 0) return count < 0 && errno == EINTR;
  into.append(room.data(), static_cast<std::size_t>(count));
  return true;
}

void read_both(int out, int err, Ended& ended) {
  std::array<pollfd, 2> waiting{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
    poll(waiting.data(), waiting.size(), -1);
    if (waiting[0].revents != 0 && !read_some(out, ended.out)) waiting[0].fd = -1;
    if (waiting[1].revents != 0 && !read_some(err, ended.err)) waiting[1].fd = -1;
  }
}

}  // namespace

Ended run_child(std::vector<std::string> const& command, ChildOptions const& options) {
  Ends out = stdout_ends(options);
  Ends err = pipe_ends();
  pid_t const child = spawn(command, options, out.theirs.get(), err.theirs.get());
  {
    Descriptor const closed = std::move(out.theirs), closed_too = std::move(err.theirs);
  }
  Ended ended;
  read_both(out.ours.get(), err.ours.get(), ended);
  int status = 0;
  checked(waitpid(child, &status, 0), "waitpid");
  ended.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return ended;
}

}  // namespace rekeyd::test
