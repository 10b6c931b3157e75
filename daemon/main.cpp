// rekeyd: arguments, settings, the real world, and the daemon's life in it.
#include "config/load.hpp"
#include "daemon/daemon.hpp"
#include "daemon/logging.hpp"
#include "daemon/outside.hpp"
#include "providers/secret.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

#include <malloc.h>
#include <sys/prctl.h>

namespace asio = boost::asio;
using namespace rekeyd;

namespace {

constexpr std::size_t secure_heap_bytes = 4 << 20;
constexpr auto patience_at_stop = std::chrono::seconds(60);

/// SIGHUP reloads, SIGTERM and SIGINT end. Returns when the daemon has ended.
asio::awaitable<void> obey_signals(daemon::Daemon& daemon, providers::HttpTransport& transport) {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGTERM, SIGINT, SIGHUP);
  for (;;) {
    auto const [error, signal] = co_await signals.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error || signal != SIGHUP) break;
    spdlog::info("SIGHUP: reading the policies anew");
    (void)daemon.reload("SIGHUP");
  }
  spdlog::info("stopping");
  co_await daemon.stop(patience_at_stop);
  co_await transport.close();
}

/// The allocator's settings for what we are: coroutine frames, larger than what its quick lists hold, come
/// and go by the thousand. With its bins for the smallest blocks every one of them makes it tidy those up,
/// and with a tight end of the heap it gives memory back to the system that it needs again at once.
void suit_allocator() {
  static constexpr int heap_step = 4 << 20;
  static constexpr int idle_max = 16 << 20;
  ::mallopt(M_MXFAST, 0);
  ::mallopt(M_TOP_PAD, heap_step);
  ::mallopt(M_TRIM_THRESHOLD, idle_max);
}

/// Nobody but root may attach to us or make us dump core: DEKs pass through this memory.
void forbid_dumps() { (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

void start_secure_memory() {
  forbid_dumps();
  std::string why;
  if (!providers::start_secure_heap(secure_heap_bytes, why)) spdlog::warn("{}", why);
}

std::optional<config::Settings> read_settings(std::string const& file) {
  auto loaded = config::load_settings(file, config::process_environment());
  for (config::Diagnostic const& diagnostic : loaded.diagnostics) {
    bool const mistake = diagnostic.severity == config::Severity::error;
    spdlog::log(mistake ? spdlog::level::err : spdlog::level::warn, "{}", config::to_text(diagnostic));
  }
  return std::move(loaded.value);
}

int fail(Error const& error) {
  spdlog::critical("cannot start: {}", to_text(error));
  return 1;
}

/// A defect of ours, in the middle of work. What is on record is true and the next life goes on from it;
/// tidying up from an unknown state could only do harm.
[[noreturn]] void die_of(std::exception_ptr const& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (std::exception const& error) {
    spdlog::critical("rekeyd ends on an error in itself: {}", error.what());
  }
  std::_Exit(70);
}

int live(config::Settings const& settings) {
  asio::io_context loop{1};
  Result<daemon::Outside> outside = daemon::open_outside(settings, loop.get_executor());
  if (!outside) return fail(outside.error());
  auto made = daemon::Daemon::make(*outside->world, settings);
  if (!made) return fail(made.error());
  daemon::Daemon& daemon = **made;
  if (auto started = daemon.start(); !started) return fail(started.error());
  std::exception_ptr thrown;
  asio::co_spawn(loop, obey_signals(daemon, *outside->transport), [&](std::exception_ptr e) {
    thrown = e;
    loop.stop();
  });
  spdlog::info("rekeyd {} runs; control socket {}", REKEYD_VERSION, settings.control_socket.string());
  loop.run();
  if (thrown) die_of(thrown);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App arguments("rotates customer root keys on schedule and carries each new version to its dependants");
  std::string config_file = "/etc/rekeyd/rekeyd.yaml";
  std::string level = "info";
  arguments.add_option("--config", config_file, "the daemon's configuration")->capture_default_str();
  arguments.add_option("--log-level", level, "trace, debug, info, warning or error")->capture_default_str();
  arguments.set_version_flag("--version", "rekeyd " REKEYD_VERSION);
  try {
    arguments.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    int const code = arguments.exit(error);
    return code == 0 ? 0 : 64;
  }
  if (!daemon::start_logging(level)) {
    fmt::print(stderr, "rekeyd: --log-level {}: expected trace, debug, info, warning or error\n", level);
    return 64;
  }
  try {
    auto const settings = read_settings(config_file);
    if (!settings) return 1;
    suit_allocator();
    start_secure_memory();
    return live(*settings);
  } catch (std::exception const& error) {
    spdlog::critical("rekeyd ends on an error in itself: {}", error.what());
    return 70;
  }
}
