#include "daemon/rekeyctl/opening.hpp"

#include "daemon/control/protocol.hpp"
#include "daemon/rekeyctl/follow.hpp"
#include "daemon/rekeyctl/wording.hpp"

namespace rekeyd::rekeyctl {

void add_opening_options(CLI::App& command, OpeningOptions& options) {
  command.add_option("key", options.key, "PROVIDER/VAULT/ID, or a name that only one key has")
      ->required()
      ->check(CLI::Validator(check_said, ""))
      ->option_text("KEY");
  command.add_option("--reason", options.reason, "Why; kept in the history with your name")
      ->required()
      ->check(CLI::Validator(check_said, ""))
      ->option_text("TEXT");
  command.add_flag("--wait", options.wait, "Follow it until it is done (0), blocked (4) or given up (1)");
  add_format(command, options.format);
  add_daemon_options(command, options.daemon);
}

Exit tell_opened(daemon::ControlClient& client, daemon::RotateAnswer const& answer,
                 OpeningOptions const& options, Output& out) {
  if (options.format == Format::table) {
    out.data(answer.rotation.str() + "\n");
  } else if (!options.wait) {
    out.json(daemon::encode_rotate_answer(answer));
  }
  if (!options.wait) return Exit::well;
  auto const ended = follow(client, answer.rotation, out);
  if (!ended) return failed(out, ended.error());
  if (options.format == Format::json) out.json(daemon::encode_rotation(*ended));
  return exit_of(*ended);
}

}  // namespace rekeyd::rekeyctl
