// rekeyctl abandon: a rotation is given up; what it did so far stays.
#include "daemon/control/protocol.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/wording.hpp"

namespace rekeyd::rekeyctl {

namespace {

struct Options {
  DaemonOptions daemon;
  Format format{Format::table};
  std::string id, reason;
  bool leave_stopped{};
};

Exit run(Options const& options, Output& out) {
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  auto const accepted = client->abandon(RotationId(options.id), {options.reason, options.leave_stopped});
  if (!accepted) return failed(out, accepted.error());
  out.words("rotation " + accepted->str() + " is given up; what it did so far stays");
  if (options.format == Format::json) {
    out.json(daemon::encode_accepted(*accepted));
  } else {
    out.data(accepted->str() + "\n");
  }
  return Exit::well;
}

}  // namespace

void add_abandon(Commands const& commands) {
  auto const [command, options] =
      commands.add("abandon", "Give a rotation up; what it did so far stays", run);
  command->add_option("id", options->id, "The rotation's id (see status, keys or history)")
      ->required()
      ->check(CLI::Validator(check_said, ""))
      ->option_text("ROTATION");
  command->add_option("--reason", options->reason, "Why; kept in the history with your name")
      ->required()
      ->check(CLI::Validator(check_said, ""))
      ->option_text("TEXT");
  command->add_flag("--leave-stopped", options->leave_stopped,
                    "Machines that it stopped and that do not start stay as they are");
  add_format(*command, options->format);
  add_daemon_options(*command, options->daemon);
}

}  // namespace rekeyd::rekeyctl
