#include "tests/daemon/rekeyctl/golden_file.hpp"
#include "tests/daemon/rekeyctl/operator_desk.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <pwd.h>
#include <unistd.h>

using namespace rekeyd;
using namespace rekeyd::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

std::string const opened_id = "00000000-0000-4000-8000-000000000001";

std::string me() { return fmt::format("uid {} ({})", getuid(), getpwuid(getuid())->pw_name); }

daemon::StatusReport calm_status() {
  daemon::StatusReport status = sample_status();
  status.counts = {{"ready", 7}, {"due", 1}, {"overdue", 0}, {"blocked", 0}};
  status.reload_errors.clear();
  status.warnings.clear();
  status.dek_stores.clear();
  status.attention.clear();
  status.holds.clear();
  status.next_due.reset();
  return status;
}

}  // namespace

TEST_CASE("the JSON of the asking commands is held by golden files", "[rekeyctl]") {
  OperatorDesk desk;
  struct Case {
    std::vector<std::string> command;
    char const* file;
    int exit;
  };
  for (Case const& c :
       {Case{{"status"}, "status.json", 4}, Case{{"keys"}, "keys.json", 0},
        Case{{"resources"}, "resources.json", 0},
        Case{{"plan", "--until", "2027-03-02T01:02:03Z"}, "plan.json", 2}, Case{{"reload"}, "reload.json", 0},
        Case{{"retry", sample_rotation().id.str()}, "retry.json", 0},
        Case{{"abandon", sample_rotation().id.str(), "--reason", "lost"}, "abandon.json", 0},
        Case{{"release", "--all", "--reason", "first start"}, "release.json", 0},
        Case{{"rotate", "cmk-ledger", "--reason", "leaver"}, "rotate.json", 0},
        Case{{"rotate", "cmk-fees", "--reason", "leaver", "--wait"}, "rotate-wait.json", 0},
        Case{{"replace", "cmk-fees", "--by", "azure-prod/new-vault/cmk-fees-2", "--reason", "stolen backup",
              "--wait"},
             "replace-wait.json",
             0}}) {
    std::vector<std::string> command = c.command;
    command.insert(command.end(), {"-o", "json"});
    Ended const ended = desk.ctl(command);
    INFO(c.file << ": " << ended.err);
    CHECK(ended.exit == c.exit);
    CHECK(ended.out == golden(c.file, ended.out));
  }
}

TEST_CASE("the tables of the asking commands are held by golden files", "[rekeyctl]") {
  OperatorDesk desk;
  for (std::string const command : {"status", "keys", "resources", "plan", "reload", "metrics"}) {
    Ended const ended = desk.ctl({command});
    INFO(ended.err);
    CHECK(ended.out == golden(command + ".txt", ended.out));
    CHECK(ended.out.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("status ends with 4 only if a key is overdue or blocked, a rotation fails, or something is held",
          "[rekeyctl]") {
  OperatorDesk desk;
  Ended const alarmed = desk.ctl({"status"});
  CHECK(alarmed.exit == 4);
  CHECK(alarmed.err ==
        "rekeyctl: 1 key overdue, 1 key blocked, 2 holds in force (`rekeyctl release` lets go)\n");
  desk.service.status_report = calm_status();
  Ended const calm = desk.ctl({"status"});
  CHECK(calm.exit == 0);
  CHECK(calm.err.empty());
  desk.service.status_report.counts["overdue"] = 2;
  CHECK(desk.ctl({"status", "-o", "json"}).exit == 4);
  desk.service.status_report = calm_status();
  daemon::KeyReport& failing =
      desk.service.status_report.attention.emplace_back(sample_status().attention.front());
  failing.verdict.status = KeyStatus::rotating;
  failing.verdict.reason = "rotation_open";
  CHECK(desk.ctl({"status"}).exit == 0);
  failing.verdict.reason = "rotation_failing";
  Ended const told = desk.ctl({"status"});
  CHECK(told.exit == 4);
  CHECK(told.err.find("1 rotation failing") != std::string::npos);
  desk.service.status_report = calm_status();
  desk.service.status_report.holds = sample_status().holds;
  CHECK(desk.ctl({"status"}).exit == 4);
}

TEST_CASE("release lets go one hold by its name, or all, and says what may begin", "[rekeyctl]") {
  OperatorDesk desk;
  Ended const one = desk.ctl({"release", "too_many_due:policy:payments", "--reason", "meant so"});
  CHECK(one.exit == 0);
  CHECK(one.out == "too_many_due:policy:payments\n");
  CHECK(one.err ==
        "rekeyctl: too_many_due:policy:payments is let go; 6 keys are due within it (payments 6)\n");
  Ended const all = desk.ctl({"release", "--all", "--reason", "meant so"});
  CHECK(all.out == "too_many_due:policy:payments\ncircuit_open:provider:ibm-prod\n");
  CHECK_THAT(all.err, Contains("circuit_open:provider:ibm-prod is let go; 0 keys are due within it\n"));
  CHECK(desk.service.asked ==
        std::vector<std::string>{"release too_many_due:policy:payments: meant so by " + me(),
                                 "release all: meant so by " + me()});
  desk.service.status_report.holds.clear();
  Ended const none = desk.ctl({"release", "--all", "--reason", "meant so"});
  CHECK(none.exit == 0);
  CHECK(none.err == "rekeyctl: nothing was held\n");
  CHECK(desk.ctl({"release", "nothing", "--reason", "meant so"}).exit == 1);
  CHECK_THAT(desk.ctl({"release", "--all", "--reason", " "}).err, Contains("'reason' is empty"));
}

TEST_CASE("release wants one name or --all, and a reason", "[rekeyctl]") {
  OperatorDesk desk;
  CHECK(desk.ctl({"release", "--reason", "meant so"}).exit == 64);
  CHECK(desk.ctl({"release", "clock_stepped", "--all", "--reason", "meant so"}).exit == 64);
  CHECK(desk.ctl({"release", "clock_stepped"}).exit == 64);
  CHECK(desk.service.asked.empty());
}

TEST_CASE("plan ends with 2 only if something lies within the span", "[rekeyctl]") {
  OperatorDesk desk;
  Ended const busy = desk.ctl({"plan", "--for", "12 months"});
  CHECK(busy.exit == 2);
  CHECK(busy.err ==
        "rekeyctl: 1 rotation from 2026-03-02T01:02:03Z to 2027-03-02T01:02:03Z; 1 by the provider; 1 date "
        "only "
        "observed; "
        "1 key without a policy\n");
  CHECK(desk.ctl({"plan", "--until", "2026-06-01"}).exit == 2);
  desk.service.plan_report.entries.clear();
  CHECK(desk.ctl({"plan", "--for", "1month"}).exit == 0);
}

TEST_CASE("a date on which the provider rotates counts as one of the plan", "[rekeyctl]") {
  OperatorDesk desk;
  std::erase_if(desk.service.plan_report.entries,
                [](daemon::PlanEntry const& entry) { return entry.mode != Mode::delegate; });
  Ended const delegated = desk.ctl({"plan"});
  CHECK(delegated.exit == 2);
  CHECK_THAT(delegated.out, Contains("delegate") && Contains("by the provider"));
  CHECK_THAT(delegated.err,
             StartsWith("rekeyctl: 0 rotations from") && Contains("; 1 by the provider; 1 key"));
}

TEST_CASE("a date that is only observed is no rotation", "[rekeyctl]") {
  OperatorDesk desk;
  std::erase_if(desk.service.plan_report.entries,
                [](daemon::PlanEntry const& entry) { return entry.mode != Mode::observe; });
  Ended const watched = desk.ctl({"plan"});
  CHECK(watched.exit == 0);
  CHECK_THAT(watched.out, Contains("cmk-watched"));
  CHECK_THAT(watched.err, StartsWith("rekeyctl: 0 rotations from") && Contains("; 1 date only observed;"));
  CHECK(desk.ctl({"plan", "-o", "json"}).exit == 0);
}

TEST_CASE("what the daemon could not understand is wrong usage", "[rekeyctl]") {
  OperatorDesk desk;
  Ended const behind = desk.ctl({"plan", "--until", "2026-01-01"});
  CHECK(behind.exit == 64);
  CHECK_THAT(behind.err, Contains("lies ahead"));
  CHECK(desk.ctl({"plan", "--until", "2099-01-01"}).exit == 64);
  for (std::string const blank : {"", " ", "\t\n"}) {
    CHECK(desk.ctl({"rotate", "cmk-ledger", "--reason", blank}).exit == 64);
    CHECK(desk.ctl({"rotate", blank, "--reason", "leaver"}).exit == 64);
    CHECK(desk.ctl({"abandon", sample_rotation().id.str(), "--reason", blank}).exit == 64);
    CHECK(desk.ctl({"abandon", blank, "--reason", "lost"}).exit == 64);
    CHECK(desk.ctl({"retry", blank}).exit == 64);
  }
  CHECK(desk.service.asked.empty());
}

TEST_CASE("where nothing matches, words say so", "[rekeyctl]") {
  OperatorDesk desk;
  Ended const none = desk.ctl({"keys", "cmk-ledgr"});
  CHECK(none.exit == 0);
  CHECK(none.err == "rekeyctl: no key matches\n");
  CHECK(desk.ctl({"keys", "cmk-*"}).err.empty());
  CHECK(desk.ctl({"keys", "nothing*", "-o", "json"}).err == "rekeyctl: no key matches\n");
}

TEST_CASE("a pattern that cannot match as it was meant is wrong usage", "[rekeyctl]") {
  OperatorDesk desk;
  for (std::string const pattern : {"[a", "cmk-[]", "[!a]*", "[z-a]"}) {
    Ended const wrong = desk.ctl({"keys", pattern});
    INFO(pattern);
    CHECK(wrong.exit == 64);
    CHECK_THAT(wrong.err, Contains("not a pattern"));
  }
  CHECK(desk.ctl({"keys", "azure-prod/payments-eu/*"}).exit == 0);
}

TEST_CASE("resources are filtered, and what is wrong with them is told in words", "[rekeyctl]") {
  OperatorDesk desk;
  auto const count = [&](std::vector<std::string> command) {
    command.insert(command.begin(), "resources");
    std::string const out = desk.ctl(command).out;
    return std::ranges::count(out, '\n') - 1;
  };
  CHECK(count({}) == 4);
  CHECK(count({"--behind"}) == 1);
  CHECK(count({"--troubled"}) == 1);
  CHECK(count({"--kind", "bucket"}) == 1);
  CHECK(count({"--key", "cmk-*"}) == 3);
  CHECK(count({"--key", "ibm-prod/*"}) == 1);
  CHECK(count({"--key", "azure-prod/payments-eu/*", "--behind"}) == 1);
  Ended const troubled = desk.ctl({"resources", "--troubled"});
  CHECK_THAT(troubled.err, Contains("stuck: Azure no longer moves it; mend what the error names"));
  CHECK(desk.ctl({"resources", "--kind", "nothing"}).err == "rekeyctl: no resource matches\n");
  CHECK(desk.ctl({"resources", "--key", "[a"}).exit == 64);
}

TEST_CASE("keys are filtered", "[rekeyctl]") {
  OperatorDesk desk;
  auto const rows = [&](std::vector<std::string> command) {
    command.insert(command.begin(), "keys");
    Ended const ended = desk.ctl(command);
    CHECK(ended.exit == 0);
    return std::ranges::count(ended.out, '\n') - 1;
  };
  CHECK(rows({"--provider", "ibm-prod"}) == 1);
  CHECK(rows({"--status", "waiting"}) == 1);
  CHECK(rows({"--policy", "payments"}) == 7);
  CHECK(rows({"--policy", ""}) == 1);
  CHECK(rows({"cmk-*"}) == 7);
  CHECK(rows({"cmk-o?d"}) == 1);
  CHECK(rows({"nothing*"}) == 0);
}

TEST_CASE("rotate gives its id on stdout and its words on stderr", "[rekeyctl]") {
  OperatorDesk desk;
  Ended const ended = desk.ctl({"rotate", "cmk-ledger", "--reason", "leaver"});
  CHECK(ended.exit == 0);
  CHECK(ended.out == opened_id + "\n");
  CHECK(ended.err == "rekeyctl: rotation " + opened_id + " of azure-prod/payments-eu/cmk-ledger is open\n");
  CHECK(desk.service.asked ==
        std::vector<std::string>{fmt::format("rotate cmk-ledger: leaver by {} = {}", me(), getuid())});
}

TEST_CASE("replace names both keys, and says who takes whose place", "[rekeyctl]") {
  OperatorDesk desk;
  Ended const ended =
      desk.ctl({"replace", "cmk-ledger", "--by", "azure-prod/new/cmk-ledger-2", "--reason", "stolen backup"});
  CHECK(ended.exit == 0);
  CHECK(ended.out == opened_id + "\n");
  CHECK_THAT(ended.err, Contains("azure-prod/new/cmk-ledger-2 takes its place"));
  CHECK(desk.service.asked ==
        std::vector<std::string>{
            fmt::format("replace cmk-ledger by azure-prod/new/cmk-ledger-2: stolen backup by {}", me())});
  Ended const done = desk.ctl({"replace", "cmk-ledger", "--by", "azure-prod/new/cmk-ledger-2", "--reason",
                               "stolen backup", "--wait"});
  CHECK(done.exit == 0);
  CHECK_THAT(done.err, Contains("done, azure-prod/new/cmk-ledger-2 has taken its place"));
  CHECK(desk.ctl({"replace", "cmk-ledger", "--reason", "stolen backup"}).exit == 64);
  CHECK(
      desk.ctl({"replace", "cmk-ledger", "--by", "a/b/c", "--create", "a/b/c", "--reason", "stolen"}).exit ==
      64);
  CHECK(desk.ctl({"replace", "cmk-ledger", "--create", "azure-prod/new/k", "--reason", "stolen"}).exit == 0);
  CHECK_THAT(desk.service.asked.back(), StartsWith("replace cmk-ledger by a new azure-prod/new/k: stolen"));
  CHECK(desk.ctl({"replace", "cmk-ledger", "--by", " ", "--reason", "stolen backup"}).exit == 64);
}

TEST_CASE("rotate --wait follows the rotation to its end", "[rekeyctl]") {
  OperatorDesk desk;
  Ended const done = desk.ctl({"rotate", "cmk-ledger", "--reason", "leaver", "--wait"});
  CHECK(done.exit == 0);
  CHECK_THAT(done.err,
             Contains(": claim\n") && Contains(": propagate\n") && Contains("done, current version is v5\n"));
  desk.service.opened_ends = RotationState::blocked;
  Ended const blocked = desk.ctl({"rotate", "cmk-fees", "--reason", "leaver", "--wait"});
  CHECK(blocked.exit == 4);
  CHECK_THAT(blocked.err, Contains("blocked: the key is disabled"));
  CHECK(blocked.err.find("enable it") == blocked.err.rfind("enable it"));
  desk.service.opened_ends = RotationState::abandoned;
  CHECK(desk.ctl({"rotate", "cmk-old", "--reason", "leaver", "--wait"}).exit == 1);
}

TEST_CASE("the daemon's refusals are told with its remedy", "[rekeyctl]") {
  OperatorDesk desk;
  Ended const unknown = desk.ctl({"rotate", "nobody", "--reason", "r"});
  CHECK(unknown.exit == 1);
  CHECK(unknown.out.empty());
  CHECK(unknown.err == "rekeyctl: no key is called this (no_such_key) at nobody; see rekeyctl keys\n");
  CHECK_THAT(desk.ctl({"rotate", "cmk-cards", "--reason", "r"}).err, Contains("is not finished"));
  CHECK_THAT(desk.ctl({"retry", "no/such?id"}).err, StartsWith("rekeyctl: "));
  CHECK(desk.ctl({"retry", "nobody"}).exit == 1);
  CHECK(desk.ctl({"abandon", "nobody", "--reason", "r"}).exit == 1);
}

TEST_CASE("retry and abandon name the rotation", "[rekeyctl]") {
  OperatorDesk desk;
  std::string const id = sample_rotation().id.str();
  CHECK(desk.ctl({"retry", id}).out == id + "\n");
  CHECK(desk.ctl({"abandon", id, "--reason", "lost cause"}).out == id + "\n");
  CHECK(desk.ctl({"abandon", id, "--reason", "lost cause", "--leave-stopped"}).exit == 0);
  CHECK(desk.service.asked ==
        std::vector<std::string>{"retry " + id + " by " + me(), "abandon " + id + ": lost cause by " + me(),
                                 "abandon " + id + ": lost cause, machines as they are by " + me()});
}

TEST_CASE("a refused reload ends with 3 and shows every mistake", "[rekeyctl]") {
  OperatorDesk desk;
  desk.service.reload_answer = {.applied = false,
                                .diagnostics = {"a.yaml:1:1: error: one", "a.yaml:2:1: error: two"},
                                .warnings = {},
                                .policies = 1,
                                .policy_digest = "9f86",
                                .counts = {}};
  Ended const refused = desk.ctl({"reload"});
  CHECK(refused.exit == 3);
  CHECK(refused.out == "a.yaml:1:1: error: one\na.yaml:2:1: error: two\n");
  CHECK(refused.err == "rekeyctl: refused; still in force: 1 policy of digest 9f86\n");
}

TEST_CASE("each warning of an applied reload is told once", "[rekeyctl]") {
  OperatorDesk desk;
  desk.service.reload_answer.diagnostics = {"a.yaml:1:1: warning: one [w]"};
  desk.service.reload_answer.warnings = {"a.yaml:1:1: warning: one [w]", "4 keys more are due"};
  Ended const applied = desk.ctl({"reload"});
  CHECK_THAT(applied.out, StartsWith("a.yaml:1:1: warning: one [w]\nwarning: 4 keys more are due\nSTATUS"));
}

TEST_CASE("a warning that names its file is not called a warning twice", "[rekeyctl]") {
  OperatorDesk desk;
  desk.service.status_report.warnings = {"a.yaml:1:1: warning: one [w]", "the clock is behind"};
  desk.service.status_report.reload_errors = {"a.yaml:2:1: error: two", "a.yaml:1:1: warning: one [w]"};
  CHECK_THAT(desk.ctl({"status"}).out,
             Contains("\na.yaml:1:1: warning: one [w]\nwarning: the clock is behind\n") &&
                 Contains("\nreload refused: a.yaml:2:1: error: two\n"));
}

TEST_CASE("names from outside cannot steer the terminal", "[rekeyctl]") {
  OperatorDesk desk;
  desk.service.key_reports.resize(1);
  desk.service.key_reports[0].name =
      "\x1b[2J\nroot\x07\xc2\x9b\xe2\x80\xae"
      "key\xff";
  Ended const ended = desk.ctl({"keys"});
  CHECK_THAT(ended.out,
             !Contains("\x1b") && !Contains("\x07") && !Contains("\xc2\x9b") && !Contains("\xe2\x80\xae"));
  CHECK(std::ranges::count(ended.out, '\n') == 2);
}
