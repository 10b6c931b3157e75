#pragma once
#include "daemon/control/client.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/output.hpp"

#include <string>

namespace rekeyd::rekeyctl {

/// What a person says who opens a rotation, whatever kind it is.
struct OpeningOptions {
  DaemonOptions daemon;
  Format format{Format::table};
  std::string key, reason;
  bool wait{};  ///< Until it has ended: the exit code is its ending's.
};
void add_opening_options(CLI::App& command, OpeningOptions& options);

/// Its id on stdout; with `wait` its way to the end, too.
Exit tell_opened(daemon::ControlClient& client, daemon::RotateAnswer const& answer,
                 OpeningOptions const& options, Output& out);

}  // namespace rekeyd::rekeyctl
