#pragma once
#include "config/load.hpp"
#include "daemon/control/client.hpp"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace rekeyd::rekeyctl {

class Output;

/// Where the configuration lies unless somebody says otherwise.
inline constexpr char const* default_config = "/etc/rekeyd/rekeyd.yaml";

/// How to find the daemon.
struct DaemonOptions {
  std::string socket;  ///< Empty: look elsewhere.
  std::string config;
  int timeout_s{30};
};
void add_daemon_options(CLI::App& command, DaemonOptions& options);

/// The control socket: --socket, else $REKEYD_SOCKET, else what --config or the installed configuration says,
/// else /run/rekeyd/control.sock. An Error only if --config names a file that cannot be used.
Result<std::filesystem::path> control_socket(DaemonOptions const& options,
                                             config::Environment const& environment);

/// The database in the same way: `named`, else what the configuration says, else /var/lib/rekeyd/rekeyd.db.
Result<std::filesystem::path> database(std::string const& named, std::string const& config,
                                       config::Environment const& environment);

/// --database and --config for commands that work on the database itself.
void add_database_options(CLI::App& command, std::string& database, std::string& config);

Result<daemon::ControlClient> connect(DaemonOptions const& options);

}  // namespace rekeyd::rekeyctl
