#include "daemon/rekeyctl/command.hpp"

#include <csignal>
#include <exception>

namespace rekeyd::rekeyctl {

namespace {

constexpr char const* exit_words =
    "Exit codes: 0 well, 1 error, 2 something is due (plan), 3 findings in files (check, reload),\n"
    "4 overdue or blocked keys, or something held (status), 5 integrity failure (verify), 64 wrong usage.";

void describe(CLI::App& app, Action& chosen) {
  app.require_subcommand(0, 1);  // A misspelt one is then named as such.
  app.set_version_flag("--version", "rekeyctl " REKEYD_VERSION);
  app.footer(exit_words);
  Commands const commands{app, chosen};
  for (auto const add : {add_check, add_plan, add_status, add_keys, add_history, add_rotate, add_reload,
                         add_release, add_retry, add_abandon, add_verify, add_version}) {
    add(commands);
  }
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
    return app.exit(outcome) == 0 ? Exit::well : Exit::usage;
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
