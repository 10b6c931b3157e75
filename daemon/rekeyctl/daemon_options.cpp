#include "daemon/rekeyctl/daemon_options.hpp"

#include <fmt/format.h>

#include <unistd.h>

namespace rekeyd::rekeyctl {

namespace fs = std::filesystem;

namespace {

Error unusable(std::string const& file, std::vector<config::Diagnostic> const& diagnostics) {
  Error error;
  error.what = "the configuration cannot be used";
  error.where = file;
  error.code = "bad_config";
  for (config::Diagnostic const& each : diagnostics) {
    if (each.severity != config::Severity::error) continue;
    error.what += ": " + config::to_text(each);
    break;
  }
  error.remedy = fmt::format("see rekeyctl check --config {}", file);
  return error;
}

/// What the configuration says, or nothing if there is none to ask: an installed one that cannot be read
/// (only the daemon's group may) or used is the daemon's business, one that was named is the caller's.
Result<std::optional<config::Settings>> settings(std::string const& named,
                                                 config::Environment const& environment) {
  std::string const file = named.empty() ? default_config : named;
  if (named.empty() && access(file.c_str(), R_OK) != 0) return std::nullopt;
  auto loaded = config::load_settings(file, environment);
  if (loaded.value) return std::move(loaded.value);
  if (named.empty()) return std::nullopt;
  return std::unexpected(unusable(file, loaded.diagnostics));
}

}  // namespace

void add_daemon_options(CLI::App& command, DaemonOptions& options) {
  command
      .add_option("--socket", options.socket,
                  "The daemon's control socket (else $REKEYD_SOCKET, else by --config)")
      ->option_text("PATH");
  command
      .add_option("--config", options.config,
                  fmt::format("The daemon's configuration (else {})", default_config))
      ->option_text("FILE");
  command.add_option("--timeout", options.timeout_s, "Seconds to wait for an answer")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str()
      ->option_text("SECONDS");
}

Result<fs::path> control_socket(DaemonOptions const& options, config::Environment const& environment) {
  if (!options.socket.empty()) return options.socket;
  if (auto const set = environment("REKEYD_SOCKET"); set && !set->empty()) return *set;
  auto const known = settings(options.config, environment);
  if (!known) return std::unexpected(known.error());
  if (*known) return (*known)->control_socket;
  return "/run/rekeyd/control.sock";
}

Result<fs::path> database(std::string const& named, std::string const& config,
                          config::Environment const& environment) {
  if (!named.empty()) return named;
  auto const known = settings(config, environment);
  if (!known) return std::unexpected(known.error());
  if (*known) return (*known)->database;
  return "/var/lib/rekeyd/rekeyd.db";
}

void add_database_options(CLI::App& command, std::string& database, std::string& config) {
  command.add_option("--database", database, "The database (else by --config)")->option_text("FILE");
  command.add_option("--config", config, fmt::format("The daemon's configuration (else {})", default_config))
      ->option_text("FILE");
}

Result<daemon::ControlClient> connect(DaemonOptions const& options) {
  auto const socket = control_socket(options, config::process_environment());
  if (!socket) return std::unexpected(socket.error());
  return daemon::ControlClient(*socket, std::chrono::seconds(options.timeout_s));
}

}  // namespace rekeyd::rekeyctl
