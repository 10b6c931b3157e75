// rekeyctl reload: the policies are read anew; refused whole if anything in them is wrong.
#include "daemon/control/protocol.hpp"
#include "daemon/rekeyctl/command.hpp"
#include "daemon/rekeyctl/daemon_options.hpp"
#include "daemon/rekeyctl/table.hpp"
#include "daemon/rekeyctl/wording.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::rekeyctl {

namespace {

struct Options {
  DaemonOptions daemon;
  Format format{Format::table};
};

std::string table_text(daemon::ReloadAnswer const& answer, bool colour) {
  std::string text;
  for (auto const& each : answer.diagnostics) text += printable(each) + "\n";
  for (auto const& each : answer.warnings) {
    // Those about a file are among the diagnostics already.
    if (std::ranges::find(answer.diagnostics, each) != answer.diagnostics.end()) continue;
    text += "warning: " + printable(each) + "\n";
  }
  Table table({{"STATUS"}, {"KEYS", Column::Align::right}});
  for (auto const& [word, count] : answer.counts) table.add({word, std::to_string(count)});
  return table.empty() ? text : text + table.text(colour);
}

std::string summary(daemon::ReloadAnswer const& answer) {
  return fmt::format("{}: {} of digest {}",
                     answer.applied ? "applied; now in force" : "refused; still in force",
                     answer.policies == 1 ? "1 policy" : fmt::format("{} policies", answer.policies),
                     or_dash(answer.policy_digest));
}

Exit run(Options const& options, Output& out) {
  auto client = connect(options.daemon);
  if (!client) return failed(out, client.error());
  auto const answer = client->reload();
  if (!answer) return failed(out, answer.error());
  if (options.format == Format::json) {
    out.json(daemon::encode_reload_answer(*answer));
  } else {
    out.data(table_text(*answer, out.colour()));
  }
  out.words(summary(*answer));
  return answer->applied ? Exit::well : Exit::findings;
}

}  // namespace

void add_reload(Commands const& commands) {
  auto const [command, options] =
      commands.add("reload", "Have the daemon read its policies anew (exit 3: refused)", run);
  add_format(*command, options->format);
  add_daemon_options(*command, options->daemon);
}

}  // namespace rekeyd::rekeyctl
