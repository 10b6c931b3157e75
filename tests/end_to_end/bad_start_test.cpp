// Starts that must fail: with an exit code, with words that say what to do, with nothing of a stack trace.
#include "tests/end_to_end/site.hpp"

#include <SQLiteCpp/Database.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>

namespace rekeyd::test {

namespace {

using Catch::Matchers::Contains;
namespace fs = std::filesystem;

constexpr std::uint16_t nobody_there = 9;

/// A site with good settings whose clouds need not be there: these starts end before the first call.
struct Untouched {
  Untouched() {
    Clouds::make_certificates(site.clouds_options(world_text({})));
    site.write_settings(site.settings(nobody_there));
    site.write_policies(rotate_everything());
  }
  Site site;
};

std::ptrdiff_t lines_of(std::string const& text) { return std::ranges::count(text, '\n'); }

/// Ended with `exit`, and what it said is `lines` lines for people.
void check_refusal(Ended const& ended, int exit, std::ptrdiff_t lines) {
  INFO(ended.err);
  CHECK(ended.exit == exit);
  CHECK(lines_of(ended.err) == lines);
  for (char const* const trace :
       {"terminate called", "what():", "Aborted", "std::", "boost::", "core dumped"}) {
    CHECK_THAT(ended.err, !Contains(trace));
  }
}

}  // namespace

TEST_CASE("rekeyd without its configuration file says which file it wants") {
  Site site;
  Ended const ended = site.run_daemon_to_its_end();
  check_refusal(ended, 1, 1);
  CHECK_THAT(ended.err, Contains(site.config_file().string()) && Contains("No such file"));
}

TEST_CASE("rekeyd in a shell that inherited a journal's stream talks to its own stderr") {
  ChildOptions options;
  options.environment["JOURNAL_STREAM"] = "9:18446744073709551615";
  Ended const ended = run_child({REKEYD, "--config", "/nowhere/rekeyd.yaml"}, options);
  check_refusal(ended, 1, 1);
  CHECK_THAT(ended.err, Contains("/nowhere/rekeyd.yaml"));
}

TEST_CASE("rekeyd tells every mistake of its configuration at once with line and column") {
  Untouched untouched;
  untouched.site.write(
      "etc/rekeyd.yaml",
      "version: 1\npolicies: policies.d\nrotatons: { per_hour: 2 }\ninventory: { every: 1 fortnight }\n"
      "providers:\n  - { name: azure, kind: azure-keyvault }\n");
  Ended const ended = untouched.site.run_daemon_to_its_end();
  INFO(ended.err);
  CHECK(ended.exit == 1);
  CHECK_THAT(ended.err, Contains("rekeyd.yaml:3:1") && Contains("did you mean 'rotations'") &&
                            Contains("rekeyd.yaml:4:") && Contains("rekeyd.yaml:6:"));
  // rekeyctl check says the same words.
  Ended const checked = untouched.site.rekeyctl({"check", "--config", untouched.site.config_file()});
  CHECK(checked.exit == 3);
  CHECK_THAT(checked.out + checked.err, Contains("rekeyd.yaml:3:1"));
}

TEST_CASE("rekeyd does not start without a credential and names its file") {
  Untouched untouched;
  fs::remove(untouched.site.credential("ibm"));
  Ended const ended = untouched.site.run_daemon_to_its_end();
  check_refusal(ended, 1, 1);
  CHECK_THAT(ended.err, Contains(untouched.site.credential("ibm").string()) && Contains("cannot open"));
}

TEST_CASE("rekeyd refuses a credential file that others may read") {
  Untouched untouched;
  Site& site = untouched.site;
  auto const secret = site.write("secret", api_key);
  fs::permissions(secret, fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read);
  std::string text = text_of(site.config_file());
  std::string const reference = "{ credential: ibm }";
  text.replace(text.find(reference), reference.size(), "{ file: " + secret.string() + " }");
  site.write("etc/rekeyd.yaml", text);
  Ended const ended = site.run_daemon_to_its_end();
  check_refusal(ended, 1, 1);
  CHECK_THAT(ended.err, Contains("0604") && Contains("chmod 600 " + secret.string()) && !Contains(api_key));
}

TEST_CASE("rekeyd refuses a database that a newer release wrote and leaves it alone") {
  Untouched untouched;
  Site& site = untouched.site;
  site.start();
  REQUIRE(site.stop() == 0);
  {
    SQLite::Database database(site.database(), SQLite::OPEN_READWRITE);
    database.exec("PRAGMA user_version = 1000");
  }
  Ended const ended = site.run_daemon_to_its_end();
  check_refusal(ended, 1, 1);
  CHECK_THAT(ended.err, Contains(site.database().string()) && Contains("1000") && Contains("newer"));
  CHECK(site.number("PRAGMA user_version") == 1000);
}

TEST_CASE("rekeyd refuses a file that is no database and leaves it alone") {
  Untouched untouched;
  Site& site = untouched.site;
  std::string const letter(5000, 'x');
  site.write("state/rekeyd.db", letter);
  Ended const ended = site.run_daemon_to_its_end();
  check_refusal(ended, 1, 1);
  CHECK_THAT(ended.err, Contains(site.database().string()) && Contains("database"));
  CHECK(text_of(site.database()) == letter);
}

TEST_CASE("a second rekeyd on the same database does not start and the first goes on") {
  Untouched untouched;
  Site& site = untouched.site;
  site.start();
  site.environment()["RUNTIME_DIRECTORY"] = site.folder();
  Ended const ended = site.run_daemon_to_its_end();
  check_refusal(ended, 1, 1);
  CHECK_THAT(ended.err, Contains("in use") && Contains(std::to_string(site.daemon().pid())));
  CHECK(site.rekeyctl({"status"}).exit == 0);
  CHECK(site.stop() == 0);
}

TEST_CASE("a frozen rekeyd keeps its database for itself and goes on when it wakes") {
  Organisation organisation;
  Site& site = organisation.site;
  site.start();
  site.await_settled();
  site.daemon().send(SIGSTOP);
  site.environment()["RUNTIME_DIRECTORY"] = site.folder();
  Ended const second = site.run_daemon_to_its_end();
  check_refusal(second, 1, 1);
  CHECK_THAT(second.err, Contains("in use") && Contains(std::to_string(site.daemon().pid())));
  site.daemon().send(SIGCONT);
  site.await("the first answers again", [&] { return site.rekeyctl({"status"}).exit == 0; });
  CHECK(site.stop() == 0);
  CHECK(organisation.new_versions().size() == 5);
}

TEST_CASE("a rekeyd whose control socket is taken does not start and the first goes on") {
  Untouched untouched;
  Site& site = untouched.site;
  site.start();
  site.environment()["STATE_DIRECTORY"] = site.folder();
  Ended const ended = site.run_daemon_to_its_end();
  check_refusal(ended, 1, 1);
  CHECK_THAT(ended.err, Contains(site.socket().string()) && Contains("socket_taken"));
  CHECK(site.rekeyctl({"status"}).exit == 0);
  CHECK(site.stop() == 0);
}

TEST_CASE("rekeyd does not start with a CA file that cannot be read or holds no certificate") {
  Untouched untouched;
  Site& site = untouched.site;
  auto settings = site.settings(nobody_there);
  settings.ca_file = site.folder() / "no-such.pem";
  site.write_settings(settings);
  Ended const missing = site.run_daemon_to_its_end();
  check_refusal(missing, 1, 1);
  CHECK_THAT(missing.err, Contains(settings.ca_file));

  settings.ca_file = site.write("letter.pem", "no certificate\n");
  site.write_settings(settings);
  Ended const wrong = site.run_daemon_to_its_end();
  check_refusal(wrong, 1, 1);
  CHECK_THAT(wrong.err, Contains(settings.ca_file));
}

TEST_CASE("rekeyd does not start with an auditor group that does not exist") {
  Untouched untouched;
  auto settings = untouched.site.settings(nobody_there);
  settings.more = "auditor_group: rekeyd-nobody-knows\n";
  untouched.site.write_settings(settings);
  Ended const ended = untouched.site.run_daemon_to_its_end();
  check_refusal(ended, 1, 1);
  CHECK_THAT(ended.err, Contains("rekeyd-nobody-knows") && Contains("auditor_group"));
}

TEST_CASE("rekeyd-sim on a taken port names the address and ends with 1") {
  Site site;
  Clouds const clouds(site.clouds_options(world_text({})));
  std::string const address = "127.0.0.1:" + std::to_string(clouds.port());
  std::filesystem::path const world = site.write("second.yaml", world_text({}));
  Ended const ended = run_child({REKEYD_SIM, "--world", world, "--listen", address, "--make-ca",
                                 (site.folder() / "second-ca").string()});
  check_refusal(ended, 1, 1);
  CHECK_THAT(ended.err, Contains("cannot listen on " + address + ": Address already in use"));
  CHECK_THAT(ended.err, !Contains("asio"));
}

TEST_CASE("rekeyd with wrong arguments ends with 64") {
  Site site;
  ChildOptions const options{site.environment(), false, false, {}};
  CHECK(run_child({REKEYD, "--no-such-option"}, options).exit == 64);
  CHECK(run_child({REKEYD, "--log-level", "loud"}, options).exit == 64);
}

}  // namespace rekeyd::test
