#include "tests/storage/child.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rekeyd::storage::test {

namespace {

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  }
  ~Pipe() {
    close_read();
    close_write();
  }
  void close_read() { close_end(0); }
  void close_write() { close_end(1); }
  std::string read_all() {
    std::string all;
    std::array<char, 4096> buffer{};
    for (ssize_t size = 0; (size = ::read(ends[0], buffer.data(), buffer.size())) > 0;) {
      all.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return all;
  }
  std::array<int, 2> ends{-1, -1};

 private:
  void close_end(std::size_t which) {
    if (ends[which] >= 0) ::close(ends[which]);
    ends[which] = -1;
  }
};

void become(std::optional<User> const& user) {
  if (!user) return;
  bool const done = ::setgroups(user->groups.size(), user->groups.data()) == 0 && ::setgid(user->gid) == 0 &&
                    ::setuid(user->uid) == 0;
  if (!done) ::_exit(126);
}

int status_of(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string answer_of(std::function<std::string()> const& work) {
  try {
    return work();
  } catch (std::exception const& exception) {
    return std::string("threw: ") + exception.what();
  }
}

void say(int descriptor, std::string const& text) {
  for (std::size_t done = 0; done < text.size();) {
    ssize_t const written = ::write(descriptor, text.data() + done, text.size() - done);
    if (written <= 0) ::_exit(125);
    done += static_cast<std::size_t>(written);
  }
}

}  // namespace

Output run_program(std::vector<std::string> const& arguments, std::optional<User> const& user) {
  Pipe out;
  Pipe err;
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string const& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t const pid = ::fork();
  if (pid == 0) {
    ::dup2(out.ends[1], STDOUT_FILENO);
    ::dup2(err.ends[1], STDERR_FILENO);
    become(user);
    // No ~/.sqliterc. This process has one thread.
    ::setenv("HOME", "/nonexistent", 1);  // NOLINT(concurrency-mt-unsafe)
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  out.close_write();
  err.close_write();
  Output output;
  output.out = out.read_all();
  output.err = err.read_all();
  output.status = status_of(pid);
  return output;
}

std::string in_child(std::function<std::string()> const& work, std::optional<User> const& user) {
  Pipe answer;
  pid_t const pid = ::fork();
  if (pid == 0) {
    become(user);
    say(answer.ends[1], answer_of(work));
    ::_exit(0);
  }
  answer.close_write();
  std::string said = answer.read_all();
  int const status = status_of(pid);
  return status == 0 ? said : "died: status " + std::to_string(status);
}

WaitingChild::WaitingChild(std::function<std::string()> const& work, std::optional<User> const& user,
                           std::function<void()> const& afterwards) {
  Pipe answer;
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    become(user);
    // What `work` leaves behind lives until the kill: it is never destroyed.
    say(answer.ends[1], answer_of(work));
    answer.close_write();
    afterwards();
    for (;;) ::pause();
  }
  answer.close_write();
  said_ = answer.read_all();
}

WaitingChild::~WaitingChild() { kill_now(); }

void WaitingChild::kill_now() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  (void)status_of(pid_);
  pid_ = 0;
}

bool is_root() { return ::geteuid() == 0; }

}  // namespace rekeyd::storage::test
