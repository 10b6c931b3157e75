// rekeyctl rotate: a rotation before its time. (It never means re-wrapping alone.)
#include "daemon/rekeyctl/opening.hpp"

#include <fmt/format.h>

namespace rekeyd::rekeyctl {

namespace {

Exit run(OpeningOptions const& options, Output& out) {
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  auto const answer = client->rotate({.key = options.key, .reason = options.reason});
  if (!answer) return failed(out, answer.error());
  out.words(fmt::format("rotation {} of {} is open", answer->rotation.str(), answer->key.text()));
  return tell_opened(*client, *answer, options, out);
}

}  // namespace

void add_rotate(Commands const& commands) {
  auto const [command, options] = commands.add(
      "rotate", "Rotate a key now: a new version, and everything that depends on it moves along", run);
  add_opening_options(*command, *options);
}

}  // namespace rekeyd::rekeyctl
