// rekeyctl release: a hold is let go; what is due within it begins, as fast as the caps allow.
#include "daemon/control/protocol.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <fmt/format.h>

namespace rekeyd::rekeyctl {

namespace {

struct Options {
  DaemonOptions daemon;
  Format format{Format::table};
  std::string hold, reason;
  bool all{};
};

Exit run(Options const& options, Output& out) {
  if (options.all == !options.hold.empty()) {
    out.words("name one hold (see rekeyctl status), or --all");
    return Exit::usage;
  }
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  daemon::ReleaseRequest request;
  if (!options.all) request.hold = options.hold;
  request.reason = options.reason;
  auto const answer = client->release(request);
  if (!answer) return failed(out, answer.error());
  if (options.format == Format::json) {
    out.json(daemon::encode_release_answer(*answer));
  } else {
    for (auto const& hold : answer->released) out.data(hold.name + "\n");
  }
  if (answer->released.empty()) out.words("nothing was held");
  for (auto const& hold : answer->released) {
    std::size_t const due = due_keys(hold);
    std::string const by_policy = due > 0 ? " (" + due_words(hold) + ")" : "";
    out.words(fmt::format("{} is let go; {} due within it{}", hold.name,
                          due == 1 ? "1 key is" : fmt::format("{} keys are", due), by_policy));
  }
  return Exit::well;
}

}  // namespace

void add_release(Commands const& commands) {
  auto const [command, options] =
      commands.add("release", "Let a hold go: what is due within it may begin (see status)", run);
  command->add_option("hold", options->hold, "The hold's name, as status shows it")->option_text("HOLD");
  command->add_flag("--all", options->all, "Every hold that is in force");
  command->add_option("--reason", options->reason, "Why; kept in the history with your name")
      ->required()
      ->option_text("TEXT");
  add_format(*command, options->format);
  add_daemon_options(*command, options->daemon);
}

}  // namespace rekeyd::rekeyctl
