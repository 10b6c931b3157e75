#pragma once
#include "daemon/rekeyctl/exit_codes.hpp"
#include "daemon/rekeyctl/output.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>

namespace rekeyd::rekeyctl {

/// What the command line asked for; carried out after all of it was understood.
using Action = std::function<Exit(Output&)>;

/// Where the commands sign on: each adds itself and its options to `app`, and puts its action into `chosen`
/// when it is the one.
struct Commands {
  CLI::App& app;
  Action& chosen;

  /// Adds a command whose action is `run(options, output)`. The options live as long as the app.
  template <class Options>
  std::pair<CLI::App*, std::shared_ptr<Options>> add(char const* name, char const* summary,
                                                     Exit (*run)(Options const&, Output&)) const {
    CLI::App* const command = app.add_subcommand(name, summary);
    auto options = std::make_shared<Options>();
    command->callback([options, run, &chosen_action = chosen] {
      chosen_action = [options, run](Output& out) { return run(*options, out); };
    });
    return {command, std::move(options)};
  }
};

void add_check(Commands const& commands);
void add_plan(Commands const& commands);
void add_status(Commands const& commands);
void add_keys(Commands const& commands);
void add_resources(Commands const& commands);
void add_metrics(Commands const& commands);
void add_history(Commands const& commands);
void add_rotate(Commands const& commands);
void add_replace(Commands const& commands);
void add_rehearse(Commands const& commands);
void add_reload(Commands const& commands);
void add_release(Commands const& commands);
void add_retry(Commands const& commands);
void add_abandon(Commands const& commands);
void add_verify(Commands const& commands);
void add_backup(Commands const& commands);
void add_restore(Commands const& commands);
void add_version(Commands const& commands);

/// -o table|json; with csv where `csv` says so.
void add_format(CLI::App& command, Format& format, bool csv = false);

/// Prints what went wrong; Exit::error, or Exit::usage if the daemon could make nothing of what was asked.
Exit failed(Output& out, Error const& error);
/// The same for a database that was examined: Exit::integrity if that is what it failed.
Exit failed_on_database(Output& out, Error const& error);

}  // namespace rekeyd::rekeyctl
