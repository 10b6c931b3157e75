#include "providers/system/process_commands.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rekeyd::providers {

namespace asio = boost::asio;

namespace {

constexpr char const* default_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

Error cannot_start(Command const& command, int number) {
  Error error;
  error.error_class = ErrorClass::permanent;
  error.delivery = Delivery::not_sent;
  error.what = fmt::format("the command cannot be started: {}", std::strerror(number));
  error.where = command.words.empty() ? "" : command.words.front();
  error.remedy = "see that the file is there and that rekeyd's user may run it";
  return error;
}

Error out_of_time(Command const& command) {
  Error error;
  error.error_class = ErrorClass::transient;
  error.what = "the command had not ended when its time was over, and was ended";
  error.where = command.words.front();
  return error;
}

/// What posix_spawn is told, given back however the function ends.
class SpawnOrders {
 public:
  SpawnOrders() {
    posix_spawn_file_actions_init(&files_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, STDERR_FILENO, STDOUT_FILENO);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    // A group of its own: what it starts ends with it, and a Ctrl-C in our terminal is not for it.
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  SpawnOrders(SpawnOrders const&) = delete;
  SpawnOrders& operator=(SpawnOrders const&) = delete;
  ~SpawnOrders() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }

  /// The error's number, or 0.
  int spawn(pid_t& pid, std::vector<std::string>& words, std::vector<std::string>& environment) {
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::vector<char*> envp;
    for (std::string& variable : environment) envp.push_back(variable.data());
    envp.push_back(nullptr);
    return posix_spawn(&pid, argv.front(), &files_, &attributes_, argv.data(), envp.data());
  }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

/// A process that is ended, with its group, and waited for however its owner ends.
class Process {
 public:
  Process(pid_t pid, asio::any_io_executor const& executor) : pid_(pid), ended_(executor) {
    // glibc 2.36 declares pidfd_open() for C alone.
    auto const descriptor = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0U));
    if (descriptor >= 0) ended_.assign(descriptor);
  }
  Process(Process const&) = delete;
  Process& operator=(Process const&) = delete;
  ~Process() {
    if (!reaped_) {
      ::kill(-pid_, SIGKILL);
      int status = 0;
      while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) continue;
    }
  }

  asio::posix::stream_descriptor& ended() { return ended_; }

  /// Nothing while it runs.
  std::optional<int> exit_status() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
    reaped_ = true;
    ::kill(-pid_, SIGKILL);  // What it left behind.
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
  asio::posix::stream_descriptor ended_;
  bool reaped_{false};
};

std::vector<std::string> environment_of(Command const& command) {
  std::vector<std::string> variables;
  for (auto const& [name, value] : command.environment)
    variables.push_back(fmt::format("{}={}", name, value));
  char const* const path = std::getenv("PATH");
  variables.push_back(fmt::format("PATH={}", path == nullptr ? default_path : path));
  if (char const* const language = std::getenv("LANG")) variables.push_back(fmt::format("LANG={}", language));
  return variables;
}

class ProcessCommands final : public CommandRunner {
 public:
  ProcessCommands(asio::any_io_executor executor, Clock& clock)
      : executor_(std::move(executor)), clock_(clock) {}

  asio::awaitable<Result<int>> run(Command command, Clock::Mono deadline) override {
    using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)
    if (command.words.empty()) co_return std::unexpected(cannot_start(command, ENOENT));
    std::vector<std::string> environment = environment_of(command);
    pid_t pid = 0;
    int const refused = SpawnOrders().spawn(pid, command.words, environment);
    if (refused != 0) co_return std::unexpected(cannot_start(command, refused));
    Process process(pid, executor_);
    if (!process.ended().is_open()) co_return std::unexpected(cannot_start(command, errno));
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    co_await (process.ended().async_wait(asio::posix::stream_descriptor::wait_read, token) ||
              clock_.sleep_until(deadline));
    std::optional<int> const status = process.exit_status();
    if (!status) co_return std::unexpected(out_of_time(command));
    co_return *status;
  }

 private:
  asio::any_io_executor executor_;
  Clock& clock_;
};

}  // namespace

std::unique_ptr<CommandRunner> make_process_commands(asio::any_io_executor executor, Clock& clock) {
  return std::make_unique<ProcessCommands>(std::move(executor), clock);
}

}  // namespace rekeyd::providers
