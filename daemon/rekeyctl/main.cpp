#include "config/near_word.hpp"
#include "daemon/rekeyctl/command.hpp"

#include <fmt/format.h>

#include <csignal>
#include <exception>
#include <sstream>

namespace rekeyd::rekeyctl {

namespace {

constexpr char const* exit_words =
    "Exit codes: 0 well, 1 error, 2 something is due (plan), 3 findings in files (check, reload, rehearse),\n"
    "4 overdue or blocked keys, failing rotations, or something held (status, rehearse, rotate and replace "
    "--wait),\n"
    "5 integrity failure (verify, backup, restore), 64 wrong usage.";

void describe(CLI::App& app, Action& chosen) {
  app.require_subcommand(0, 1);  // A misspelt one is then named as such.
  app.set_version_flag("--version", "rekeyctl " REKEYD_VERSION);
  app.footer(exit_words);
  Commands const commands{app, chosen};
  for (auto const add : {add_check, add_plan, add_rehearse, add_status, add_keys, add_resources, add_metrics,
                         add_history, add_rotate, add_replace, add_reload, add_release, add_retry,
                         add_abandon, add_verify, add_backup, add_restore, add_version}) {
    add(commands);
  }
}

/// The command that the words on the command line named, or the app itself.
CLI::App const& meant(CLI::App const& app) {
  auto const named = app.get_subcommands();
  return named.empty() ? app : *named.front();
}

/// "did you mean ...?" for a command or an option that is not there, or empty.
std::string did_you_mean(CLI::App const& app) {
  CLI::App const& command = meant(app);
  auto const left = command.remaining(true);
  if (left.empty()) return "";
  std::vector<std::string> names;
  if (left.front().starts_with("-")) {
    for (CLI::Option const* option : command.get_options()) names.push_back(option->get_name());
  } else if (&command == &app) {
    for (CLI::App const* each : app.get_subcommands([](CLI::App const*) { return true; })) {
      names.push_back(each->get_name());
    }
  }
  std::string const question = config::did_you_mean(left.front(), names);
  return question.empty() ? "" : fmt::format("; '{}': {}", left.front(), question);
}

/// Help and version are data; everything else that CLI11 throws is a complaint.
Exit told(CLI::App const& app, CLI::ParseError const& outcome) {
  Output out;
  if (outcome.get_exit_code() == 0) {
    std::ostringstream text;
    app.exit(outcome, text, text);
    out.data(text.str());
    return out.complete() ? Exit::well : Exit::error;
  }
  CLI::App const& command = meant(app);
  std::string const name = &command == &app ? "" : " " + command.get_name();
  out.words(fmt::format("{}{} (rekeyctl{} --help tells more)", outcome.what(), did_you_mean(app), name));
  return Exit::usage;
}

Exit run(int argc, char** argv) {
  // A reader that went away is then an error of write(), which Output keeps quiet about, and the exit code is
  // what it would have been.
  std::signal(SIGPIPE, SIG_IGN);
  Action chosen;
  CLI::App app("Looks at rekeyd and tells it what to do.", "rekeyctl");
  describe(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& outcome) {
    return told(app, outcome);
  }
  Output out;
  if (!chosen) {
    out.words("which command? rekeyctl --help lists them");
    return Exit::usage;
  }
  Exit const exit = chosen(out);
  return out.complete() ? exit : Exit::error;
}

}  // namespace

}  // namespace rekeyd::rekeyctl

int main(int argc, char** argv) {
  using rekeyd::rekeyctl::Exit;
  try {
    return static_cast<int>(rekeyd::rekeyctl::run(argc, argv));
  } catch (std::exception const& problem) {
    rekeyd::rekeyctl::Output().words(problem.what());
  }
  return static_cast<int>(Exit::error);
}
