// rekeyctl rotate: a rotation before its time. (It never means re-wrapping alone.)
#include "daemon/control/protocol.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/follow.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <fmt/format.h>

namespace rekeyd::rekeyctl {

namespace {

struct Options {
  DaemonOptions daemon;
  Format format{Format::table};
  std::string key, reason;
  bool wait{};
};

Exit run(Options const& options, Output& out) {
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  auto const answer = client->rotate({.key = options.key, .reason = options.reason});
  if (!answer) return failed(out, answer.error());
  out.words(fmt::format("rotation {} of {} is open", answer->rotation.str(), answer->key.text()));
  return tell_opened(*client, *answer, {options.format, options.wait}, out);
}

}  // namespace

void add_rotate(Commands const& commands) {
  auto const [command, options] = commands.add(
      "rotate", "Rotate a key now: a new version, and everything that depends on it moves along", run);
  command->add_option("key", options->key, "PROVIDER/VAULT/ID, or a name that only one key has")
      ->required()
      ->check(CLI::Validator(check_said, ""))
      ->option_text("KEY");
  command->add_option("--reason", options->reason, "Why; kept in the history with your name")
      ->required()
      ->check(CLI::Validator(check_said, ""))
      ->option_text("TEXT");
  command->add_flag("--wait", options->wait, "Follow it until it is done (0), blocked (4) or given up (1)");
  add_format(*command, options->format);
  add_daemon_options(*command, options->daemon);
}

}  // namespace rekeyd::rekeyctl
