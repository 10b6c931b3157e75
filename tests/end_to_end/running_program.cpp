#include "tests/end_to_end/running_program.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rekeyd::test {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto between_questions = std::chrono::milliseconds(20);

int checked(int result, std::string const& act) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), act);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  all.reserve(texts.size() + 1);
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

/// What the child does before it becomes the program: async-signal-safe calls only.
[[noreturn]] void become(char* const* command, char* const* environment, int log, pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  int const nothing = ::open("/dev/null", O_RDONLY);
  if (nothing < 0) ::_exit(127);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execve(command[0], command, environment);
  ::_exit(127);
}

}  // namespace

std::string text_of(std::filesystem::path const& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

RunningProgram::RunningProgram(std::vector<std::string> const& command,
                               std::map<std::string, std::string> const& environment,
                               std::filesystem::path log)
    : log_(std::move(log)) {
  std::vector<std::string> arguments = command;
  std::vector<std::string> variables;
  variables.reserve(environment.size());
  for (auto const& [name, value] : environment) variables.push_back(fmt::format("{}={}", name, value));
  auto const argument_list = pointers(arguments);
  auto const variable_list = pointers(variables);
  int const output =
      checked(::open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), log_.string());
  pid_t const parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(argument_list.data(), variable_list.data(), output, parent);
  ::close(output);
  checked(pid_, "fork");
  ::setpgid(pid_, pid_);  // The child does the same; whoever comes first.
  // glibc 2.36 declares pidfd_open() without C linkage.
  handle_ = checked(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)), "pidfd_open");
}

RunningProgram::~RunningProgram() {
  kill_now();
  if (handle_ >= 0) ::close(handle_);
}

bool RunningProgram::ended_within(std::chrono::milliseconds span) const {
  if (ended_) return true;
  pollfd waiting{handle_, POLLIN, 0};
  return ::poll(&waiting, 1, static_cast<int>(span.count())) > 0;
}

bool RunningProgram::wait_until(std::function<bool()> const& holds, std::chrono::seconds patience) const {
  auto const end = Clock::now() + patience;
  while (!holds()) {
    if (ended_within(between_questions)) return holds();
    if (Clock::now() >= end) return false;
  }
  return true;
}

void RunningProgram::send(int signal) const {
  if (!ended_) ::kill(pid_, signal);
}

std::optional<int> RunningProgram::wait_for_end(std::chrono::seconds patience) {
  if (ended_) return ended_;
  if (!ended_within(patience)) return std::nullopt;
  reap();
  return ended_;
}

void RunningProgram::kill_now() {
  if (!ended_) reap();
}

/// Until the leader is waited for, the group's number is ours and nobody else's.
void RunningProgram::reap() {
  ::kill(-pid_, SIGKILL);
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
  ended_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

std::string RunningProgram::log() const { return text_of(log_); }

}  // namespace rekeyd::test
