// rekeyctl replace: another key takes a key's place, and everything that depends on it moves there.
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
  std::string key, by, create, reason;
  bool wait{};
};

Exit run(Options const& options, Output& out) {
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  auto const answer = client->replace(
      {.key = options.key, .by = options.by, .create = options.create, .reason = options.reason});
  if (!answer) return failed(out, answer.error());
  out.words(fmt::format("rotation {} of {} is open: {} takes its place", answer->rotation.str(),
                        answer->key.text(), options.by.empty() ? options.create : options.by));
  return tell_opened(*client, *answer, {options.format, options.wait}, out);
}

}  // namespace

void add_replace(Commands const& commands) {
  auto const [command, options] = commands.add(
      "replace", "Put another key in a key's place: everything that depends on it moves there", run);
  command->add_option("key", options->key, "PROVIDER/VAULT/ID, or a name that only one key has")
      ->required()
      ->check(CLI::Validator(check_said, ""))
      ->option_text("KEY");
  auto* const successor = command->add_option_group("successor", "The key that takes its place");
  successor->add_option("--by", options->by, "One that is there")
      ->check(CLI::Validator(check_said, ""))
      ->option_text("KEY");
  successor->add_option("--create", options->create, "One that is made like it, under this name")
      ->check(CLI::Validator(check_said, ""))
      ->option_text("PROVIDER/VAULT/NAME");
  successor->require_option(1);
  command->add_option("--reason", options->reason, "Why; kept in the history with your name")
      ->required()
      ->check(CLI::Validator(check_said, ""))
      ->option_text("TEXT");
  command->add_flag("--wait", options->wait, "Follow it until it is done (0), blocked (4) or given up (1)");
  add_format(*command, options->format);
  add_daemon_options(*command, options->daemon);
}

}  // namespace rekeyd::rekeyctl
