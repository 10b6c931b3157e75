#include "providers/system/process_commands.hpp"

#include "providers/system/system_clock.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rekeyd::providers {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// What became of a command that really ran, with a deadline that far away.
Result<int> run(Command command, std::chrono::seconds patience = 60s) {
  asio::io_context io{1};
  auto const clock = make_system_clock();
  auto const commands = make_process_commands(io.get_executor(), *clock);
  std::optional<Result<int>> outcome;
  auto const deadline = clock->mono_now() + patience;
  asio::co_spawn(io, commands->run(std::move(command), deadline),
                 [&](std::exception_ptr, Result<int> ended) { outcome = std::move(ended); });
  io.run();
  return *outcome;
}

Command shell(std::string script) { return {{"/bin/sh", "-c", std::move(script)}, {}}; }

TEST_CASE("a command's exit status comes back, and what it was told is all that it knows") {
  CHECK(run(shell("exit 0")) == 0);
  CHECK(run(shell("exit 7")) == 7);
  CHECK(run(shell("kill -9 $$")) == 128 + 9);
  test::TemporaryFolder const folder;
  ::setenv("CREDENTIALS_DIRECTORY", "/run/credentials/rekeyd", 1);
  Command told = shell("env > " + (folder.path() / "env").string() + "; cat");
  told.environment = {{"REKEYD_MACHINE", "vm 1"}};
  CHECK(run(std::move(told)) == 0);
  ::unsetenv("CREDENTIALS_DIRECTORY");
  std::ifstream file(folder.path() / "env");
  std::string const environment{std::istreambuf_iterator<char>(file), {}};
  CHECK(environment.find("REKEYD_MACHINE=vm 1\n") != std::string::npos);
  CHECK(environment.find("PATH=") != std::string::npos);
  CHECK(environment.find("CREDENTIALS_DIRECTORY") == std::string::npos);
}

TEST_CASE("a command that is not there, or may not be run, says so") {
  for (char const* const path : {"/nowhere/at/all", "/etc/passwd", "/tmp"}) {
    auto const ended = run({{path}, {}});
    REQUIRE_FALSE(ended);
    CHECK(ended.error().error_class == ErrorClass::permanent);
    CHECK(ended.error().where == path);
  }
  CHECK_FALSE(run({}));
}

/// Does anybody hold the pipe open for reading?
bool has_reader(std::string const& pipe) {
  int const descriptor = ::open(pipe.c_str(), O_WRONLY | O_NONBLOCK);
  if (descriptor >= 0) ::close(descriptor);
  return descriptor >= 0;
}

TEST_CASE("a command that does not end in time is ended with all that it has started") {
  test::TemporaryFolder const folder;
  std::string const pipe = (folder.path() / "alive").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  auto const ended = run(shell("sleep 1000 3<>" + pipe + " & wait"), 1s);
  REQUIRE_FALSE(ended);
  CHECK(ended.error().error_class == ErrorClass::transient);
  // The kernel takes a moment to close what the dead have left open.
  for (int look = 0; look < 100 && has_reader(pipe); ++look) REQUIRE(run(shell("exit 0")) == 0);
  CHECK_FALSE(has_reader(pipe));
}

}  // namespace
}  // namespace rekeyd::providers
