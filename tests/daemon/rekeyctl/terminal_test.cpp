#include "daemon/control/socket_file.hpp"
#include "tests/daemon/rekeyctl/operator_desk.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

using namespace rekeyd;
using namespace rekeyd::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
namespace fs = std::filesystem;

TEST_CASE("colour comes only on a terminal, and never with NO_COLOR", "[rekeyctl]") {
  OperatorDesk desk;
  auto const coloured = [&](ChildOptions options) {
    Ended const ended = desk.ctl({"keys"}, std::move(options));
    CHECK_THAT(ended.out, Contains("cmk-ledger"));
    return ended.out.find('\x1b') != std::string::npos;
  };
  CHECK(
      coloured({.environment = {{"TERM", "xterm"}}, .terminal = true, .reader_gone = false, .out_file = ""}));
  CHECK_FALSE(coloured(
      {.environment = {{"TERM", "xterm"}}, .terminal = false, .reader_gone = false, .out_file = ""}));
  CHECK_FALSE(coloured({.environment = {{"TERM", "xterm"}, {"NO_COLOR", "1"}},
                        .terminal = true,
                        .reader_gone = false,
                        .out_file = ""}));
  CHECK_FALSE(
      coloured({.environment = {{"TERM", "dumb"}}, .terminal = true, .reader_gone = false, .out_file = ""}));
}

TEST_CASE("JSON has no colour even on a terminal", "[rekeyctl]") {
  OperatorDesk desk;
  Ended const ended =
      desk.ctl({"keys", "-o", "json"},
               {.environment = {{"TERM", "xterm"}}, .terminal = true, .reader_gone = false, .out_file = ""});
  CHECK(ended.out.find('\x1b') == std::string::npos);
}

TEST_CASE("a reader that went away is no error", "[rekeyctl]") {
  OperatorDesk desk;
  Ended const ended =
      desk.ctl({"keys"}, {.environment = {}, .terminal = false, .reader_gone = true, .out_file = ""});
  CHECK(ended.exit == 0);
  CHECK(ended.err.empty());
}

TEST_CASE("a full disk under stdout is an error", "[rekeyctl]") {
  OperatorDesk desk;
  Ended const ended = desk.ctl(
      {"keys"}, {.environment = {}, .terminal = false, .reader_gone = false, .out_file = "/dev/full"});
  CHECK(ended.exit == 1);
  CHECK(ended.err == "rekeyctl: cannot write to standard output: No space left on device\n");
}

TEST_CASE("wrong usage ends with 64 and says what is right", "[rekeyctl]") {
  struct Case {
    std::vector<std::string> command;
    char const* complaint;
  };
  for (Case const& c :
       {Case{{}, "which command?"}, Case{{"rotat"}, "rotat"}, Case{{"status", "--loud"}, "--loud"},
        Case{{"status", "-o", "csv"}, "table"}, Case{{"status", "-o", "1"}, "table"},
        Case{{"status", "--timeout", "0"}, "3600"}, Case{{"rotate", "k"}, "--reason"},
        Case{{"rotate", "--reason", "r"}, "key"}, Case{{"abandon", "id"}, "--reason"}, Case{{"retry"}, "id"},
        Case{{"keys", "--status", "dew"}, "overdue"},
        Case{{"plan", "--for", "3eons"}, "'3eons' is not a span"},
        Case{{"plan", "--until", "tomorrow"}, "'tomorrow' is neither a date"},
        Case{{"plan", "--for", "1month", "--until", "2027-01-01"}, "excludes"},
        Case{{"history", "--since", "2026-02-30"}, "'2026-02-30' is neither a date"},
        Case{{"history", "--outcome", "good"}, "ok, failed, held"},
        Case{{"history", "--kind", "magic"}, "'magic'"}, Case{{"history", "--limit", "-1"}, "-1"},
        Case{{"verify", "--expect-head", "7"}, "SEQUENCE:HASH"}}) {
    Ended const ended = OperatorDesk::rekeyctl(c.command);
    INFO(ended.err);
    CHECK(ended.exit == 64);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, Contains(c.complaint) && StartsWith("rekeyctl: "));
    CHECK(std::ranges::count(ended.err, '\n') == 1);
  }
}

TEST_CASE("a command or option that is not there is answered with the one that was meant", "[rekeyctl]") {
  CHECK_THAT(OperatorDesk::rekeyctl({"statsu"}).err, Contains("did you mean 'status'?"));
  CHECK_THAT(OperatorDesk::rekeyctl({"rotate", "k", "--raeson", "r"}).err,
             Contains("did you mean '--reason'?"));
  CHECK_THAT(OperatorDesk::rekeyctl({"history", "--sinse", "2026-01-01"}).err,
             Contains("did you mean '--since'?") && Contains("rekeyctl history --help"));
  CHECK_THAT(OperatorDesk::rekeyctl({"dance"}).err, !Contains("did you mean"));
}

TEST_CASE("help that cannot be written is an error", "[rekeyctl]") {
  Ended const ended = OperatorDesk::rekeyctl(
      {"--help"}, {.environment = {}, .terminal = false, .reader_gone = false, .out_file = "/dev/full"});
  CHECK(ended.exit == 1);
  CHECK_THAT(ended.err, Contains("No space left on device"));
}

TEST_CASE("help is data", "[rekeyctl]") {
  for (std::string const command : {"check", "plan", "status", "keys", "history", "rotate", "reload", "retry",
                                    "abandon", "verify", "backup", "restore", "version"}) {
    Ended const ended = OperatorDesk::rekeyctl({command, "--help"});
    CHECK(ended.exit == 0);
    CHECK(ended.err.empty());
    CHECK_THAT(ended.out, Contains("Usage: rekeyctl " + command) && Contains("Exit codes: 0 well"));
  }
}

TEST_CASE("the version needs no daemon", "[rekeyctl]") {
  CHECK(OperatorDesk::rekeyctl({"version"}).out == "rekeyctl " REKEYD_VERSION "\n");
  CHECK(OperatorDesk::rekeyctl({"--version"}).out == "rekeyctl " REKEYD_VERSION "\n");
  CHECK(OperatorDesk::rekeyctl({"version", "-o", "json"}).out ==
        "{\n  \"schema\": \"rekeyd.version/1\",\n  \"version\": \"" REKEYD_VERSION "\"\n}\n");
}

TEST_CASE("without a daemon the socket, the unit and the option are named", "[rekeyctl]") {
  TemporaryFolder const folder;
  std::string const socket = (folder.path() / "control.sock").string();
  Ended const none = OperatorDesk::rekeyctl({"status", "--socket", socket});
  CHECK(none.exit == 1);
  CHECK(none.out.empty());
  CHECK_THAT(none.err, Contains(socket) && Contains("not running") && Contains("rekeyd.service") &&
                           Contains("--socket"));
  Ended const too_long = OperatorDesk::rekeyctl({"status", "--socket", "/" + std::string(200, 'x')});
  CHECK(too_long.exit == 1);
  CHECK_THAT(too_long.err, Contains("1 to 107 bytes"));
}

TEST_CASE("what is no socket is told to be none", "[rekeyctl]") {
  TemporaryFolder const folder;
  for (fs::path const& path : {folder.path(), folder.write("control.sock", "")}) {
    Ended const ended = OperatorDesk::rekeyctl({"status", "--socket", path.string()});
    CHECK(ended.exit == 1);
    CHECK_THAT(ended.err, Contains("this is no socket") && Contains(path.string()));
  }
}

TEST_CASE("a daemon that died without a goodbye is told so", "[rekeyctl]") {
  TemporaryFolder const folder;
  fs::path const socket = folder.path() / "control.sock";
  auto file = daemon::SocketFile::listen(socket, "");
  REQUIRE(file);
  {
    daemon::Descriptor const closed(file->release_descriptor());
  }
  Ended const ended = OperatorDesk::rekeyctl({"status", "--socket", socket});
  CHECK(ended.exit == 1);
  CHECK_THAT(ended.err, Contains("nobody answers") && Contains("journalctl -u rekeyd.service"));
}

TEST_CASE("who may not use the socket is told which group may", "[rekeyctl]") {
  OperatorDesk desk;
  fs::permissions(desk.served.socket().parent_path(), fs::perms(0755));
  std::vector<std::string> command{REKEYCTL, "status", "--socket", desk.served.socket()};
  if (getuid() == 0) {
    // Root may everything, so somebody else asks.
    std::vector<std::string> const as_nobody{"/usr/bin/setpriv", "--reuid=65534", "--regid=65534",
                                             "--clear-groups"};
    command.insert(command.begin(), as_nobody.begin(), as_nobody.end());
  } else {
    fs::permissions(desk.served.socket(), fs::perms(0));
  }
  // A socket of mode 0600 lets no group in.
  Ended const alone = run_child(command);
  CHECK(alone.exit == 1);
  CHECK_THAT(alone.err, Contains("you may not use the control socket") &&
                            Contains("only the daemon's own user") && !Contains("members of the group"));
  fs::permissions(desk.served.socket(), getuid() == 0 ? fs::perms(0660) : fs::perms(0060));
  Ended const ended = run_child(command);
  CHECK(ended.exit == 1);
  CHECK_THAT(ended.err, Contains("you may not use the control socket") && Contains("members of the group "));
}

TEST_CASE("a daemon that does not answer is not waited for longer than --timeout", "[rekeyctl]") {
  TemporaryFolder const folder;
  auto const file = daemon::SocketFile::listen(folder.path() / "s", "");  // Listens, and nobody accepts.
  REQUIRE(file);
  Ended const ended = OperatorDesk::rekeyctl({"status", "--timeout", "1", "--socket", folder.path() / "s"});
  CHECK(ended.exit == 1);
  CHECK_THAT(ended.err, Contains("did not answer within 1000 ms") && Contains("--timeout"));
}

TEST_CASE("the socket is found by option, environment and configuration", "[rekeyctl]") {
  OperatorDesk desk;
  std::string const socket = desk.served.socket();
  CHECK(OperatorDesk::rekeyctl({"keys", "--socket", socket}).exit == 0);
  CHECK(desk.ctl({"keys"}).exit == 0);
  CHECK_THAT(desk.ctl({"keys", "--socket", "/nowhere"}).err, Contains("/nowhere"));
  CHECK_THAT(OperatorDesk::rekeyctl({"keys"}).err, Contains("/run/rekeyd/control.sock"));
  TemporaryFolder const folder;
  std::string const broken = folder.write("broken.yaml", "version: 1\nprovider: none\n");
  Ended const ended = OperatorDesk::rekeyctl({"keys", "--config", broken});
  CHECK(ended.exit == 1);
  CHECK_THAT(ended.err, Contains(broken) && Contains("rekeyctl check --config"));
}
