// rekeyctl replace: another key takes a key's place, and everything that depends on it moves there.
#include "daemon/rekeyctl/opening.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <fmt/format.h>

namespace rekeyd::rekeyctl {

namespace {

struct Options {
  OpeningOptions opening;
  std::string by, create;
};

Exit run(Options const& options, Output& out) {
  OpeningOptions const& opening = options.opening;
  auto client = connect(opening.daemon);
  if (!client) return failed(out, client.error());
  auto const answer = client->replace(
      {.key = opening.key, .by = options.by, .create = options.create, .reason = opening.reason});
  if (!answer) return failed(out, answer.error());
  out.words(fmt::format("rotation {} of {} is open: {} takes its place", answer->rotation.str(),
                        answer->key.text(), options.by.empty() ? options.create : options.by));
  return tell_opened(*client, *answer, opening, out);
}

}  // namespace

void add_replace(Commands const& commands) {
  auto const [command, options] = commands.add(
      "replace", "Put another key in a key's place: everything that depends on it moves there", run);
  add_opening_options(*command, options->opening);
  auto* const successor = command->add_option_group("successor", "The key that takes its place");
  successor->add_option("--by", options->by, "One that is there")
      ->check(CLI::Validator(check_said, ""))
      ->option_text("KEY");
  successor->add_option("--create", options->create, "One that is made like it, under this name")
      ->check(CLI::Validator(check_said, ""))
      ->option_text("PROVIDER/VAULT/NAME");
  successor->require_option(1);
}

}  // namespace rekeyd::rekeyctl
