// rekeyctl retry: a blocked rotation tries its step again.
#include "daemon/control/protocol.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/wording.hpp"

namespace rekeyd::rekeyctl {

namespace {

struct Options {
  DaemonOptions daemon;
  Format format{Format::table};
  std::string id;
};

Exit run(Options const& options, Output& out) {
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  auto const accepted = client->retry(RotationId(options.id));
  if (!accepted) return failed(out, accepted.error());
  out.words("rotation " + accepted->str() + " tries again");
  if (options.format == Format::json) {
    out.json(daemon::encode_accepted(*accepted));
  } else {
    out.data(accepted->str() + "\n");
  }
  return Exit::well;
}

}  // namespace

void add_retry(Commands const& commands) {
  auto const [command, options] =
      commands.add("retry", "Let a blocked or waiting rotation try again now", run);
  command->add_option("id", options->id, "The rotation's id (see status, keys or history)")
      ->required()
      ->check(CLI::Validator(check_said, ""))
      ->option_text("ROTATION");
  add_format(*command, options->format);
  add_daemon_options(*command, options->daemon);
}

}  // namespace rekeyd::rekeyctl
