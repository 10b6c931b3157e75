#include "tests/daemon/rekeyctl/golden_file.hpp"
#include "tests/daemon/rekeyctl/operator_desk.hpp"

#include <boost/algorithm/string/replace.hpp>
#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr char const* good_policy =
    "version: 1\npolicies:\n  - name: payments\n    match: { provider: azure-prod }\n    every: 3 months\n";
constexpr char const* bad_policy =
    "version: 1\npolicies:\n  - name: payments\n    match: { provider: azure-prod }\n    evry: 3 months\n"
    "  - name: cards\n    match: { provider: ibm-prod }\n    every: 13 months\n";

}  // namespace

TEST_CASE("a well-made policy file has nothing to say", "[rekeyctl][check]") {
  TemporaryFolder const folder;
  Ended const ended = OperatorDesk::rekeyctl({"check", folder.write("good.yaml", good_policy)});
  CHECK(ended.exit == 0);
  CHECK(ended.out.empty());
  CHECK(ended.err.empty());
}

TEST_CASE("every mistake is told like a compiler tells it, on stdout", "[rekeyctl][check]") {
  TemporaryFolder const folder;
  std::string const file = folder.write("bad.yaml", bad_policy);
  Ended const ended = OperatorDesk::rekeyctl({"check", file});
  CHECK(ended.exit == 3);
  CHECK_THAT(ended.out, Contains(file + ":5:5: error: ") && Contains("evry") && Contains("every"));
  CHECK_THAT(ended.out, Contains(file + ":8:12: error: ") && Contains("13"));
  CHECK_THAT(ended.err, StartsWith("rekeyctl: ") && Contains("errors"));
}

TEST_CASE("the JSON of check is held by a golden file", "[rekeyctl][check]") {
  TemporaryFolder const folder;
  std::string const file = folder.write("bad.yaml", bad_policy);
  Ended const ended = OperatorDesk::rekeyctl({"check", file, "-o", "json"});
  CHECK(ended.exit == 3);
  std::string const anywhere = boost::replace_all_copy(ended.out, folder.path().string(), "FOLDER");
  CHECK(anywhere == golden("check.json", anywhere));
}

TEST_CASE("a file that cannot be read ends with 1", "[rekeyctl][check]") {
  TemporaryFolder const folder;
  Ended const ended =
      OperatorDesk::rekeyctl({"check", folder.write("bad.yaml", bad_policy), folder.path() / "none.yaml"});
  CHECK(ended.exit == 1);
  CHECK_THAT(ended.out, Contains("none.yaml: error: ") && Contains("bad.yaml:5:5: error: "));
  CHECK(OperatorDesk::rekeyctl({"check"}).exit == 1);
}

TEST_CASE("files are checked as one set, and a folder as the daemon would", "[rekeyctl][check]") {
  TemporaryFolder const folder;
  std::string const one = folder.write("policies.d/a.yaml", good_policy);
  std::string const two = folder.write("policies.d/b.yaml", good_policy);
  CHECK(OperatorDesk::rekeyctl({"check", one}).exit == 0);
  for (std::vector<std::string> const& command :
       {std::vector<std::string>{"check", one, two},
        std::vector<std::string>{"check", folder.path() / "policies.d"}}) {
    Ended const ended = OperatorDesk::rekeyctl(command);
    CHECK(ended.exit == 3);
    CHECK_THAT(ended.out, Contains(one) && Contains(two));
  }
}

TEST_CASE("a client certificate that is no good is a mistake of the configuration", "[rekeyctl][check]") {
  TemporaryFolder const folder;
  folder.write("policies.d/good.yaml", good_policy);
  std::string const pem = folder.write("app.pem", "no certificate");
  std::string const file = folder.write(
      "rekeyd.yaml",
      "version: 1\nproviders:\n  - name: azure-prod\n    kind: azure-key-vault\n    vaults: [payments-eu]\n"
      "    credentials: { tenant: contoso.example, client_id: 66666666-7777-4888-8999-000000000001,\n"
      "                   client_certificate: { file: " +
          pem + " } }\n");
  Ended const ended = OperatorDesk::rekeyctl({"check", "--config", file});
  CHECK(ended.exit == 3);
  CHECK_THAT(ended.out, Contains(file + ": error: provider 'azure-prod': " + pem) && Contains("chmod 600"));
}

TEST_CASE("warnings alone are well, unless --strict", "[rekeyctl][check]") {
  TemporaryFolder const folder;
  folder.write("policies.d/.keep", "");
  std::string const policies = folder.path() / "policies.d";
  Ended const lenient = OperatorDesk::rekeyctl({"check", policies});
  CHECK(lenient.exit == 0);
  CHECK_THAT(lenient.out, Contains(": warning: "));
  CHECK(OperatorDesk::rekeyctl({"check", policies, "--strict"}).exit == 3);
}

TEST_CASE("the configuration is checked with the policies it names", "[rekeyctl][check]") {
  TemporaryFolder const folder;
  std::string const broken = folder.write("rekeyd.yaml", "version: 1\nprovidrs: []\n");
  Ended const ended = OperatorDesk::rekeyctl({"check", "--config", broken});
  CHECK(ended.exit == 3);
  CHECK_THAT(ended.out, Contains(broken + ":2:1: error: ") && Contains("providrs"));
}

TEST_CASE("policies are held against the keys that the daemon knows where that is asked for",
          "[rekeyctl][check]") {
  TemporaryFolder const folder;
  std::string const policies =
      "version: 1\npolicies:\n  - name: payments\n    match: { key: \"*\" }\n    every: 3 months\n"
      "    keys:\n      - { key: cmk-watched, mode: MODE }\n";
  std::string const enforce =
      folder.write("enforce.yaml", boost::replace_all_copy(policies, "MODE", "enforce"));
  std::string const delegate =
      folder.write("delegate.yaml", boost::replace_all_copy(policies, "MODE", "delegate"));
  OperatorDesk desk;
  CHECK(OperatorDesk::rekeyctl({"check", enforce}).exit == 0);
  Ended const two = desk.ctl({"check", enforce, "--against-state"});
  CHECK(two.exit == 3);
  CHECK(two.out ==
        enforce +
            ":7:9: error: policy 'payments' wants rekeyd to rotate azure-prod/payments-eu/cmk-watched, "
            "and its provider does so too, every P90D [two-rotators]; set mode: delegate and leave it to "
            "the provider, or switch its own rotation off there\n");
  CHECK_THAT(two.err, Contains("1 error, 0 warnings"));
  Ended const one = desk.ctl({"check", delegate, "--against-state"});
  CHECK(one.exit == 0);
  CHECK(one.out.empty());
  Ended const json = desk.ctl({"check", enforce, "--against-state", "-o", "json"});
  std::string const anywhere = boost::replace_all_copy(json.out, folder.path().string(), "FOLDER");
  CHECK(anywhere == golden("check-against-state.json", anywhere));
}

TEST_CASE("policies that are to be held against a daemon that is not there are an error",
          "[rekeyctl][check]") {
  TemporaryFolder const folder;
  std::string const file = folder.write("good.yaml", good_policy);
  Ended const ended =
      OperatorDesk::rekeyctl({"check", file, "--against-state", "--socket", folder.path() / "none.sock"});
  CHECK(ended.exit == 1);
  CHECK_THAT(ended.err, StartsWith("rekeyctl: "));
}

TEST_CASE("findings are coloured on a terminal only in their severity", "[rekeyctl][check]") {
  TemporaryFolder const folder;
  Ended const ended = OperatorDesk::rekeyctl(
      {"check", folder.write("bad.yaml", bad_policy)},
      {.environment = {{"TERM", "xterm"}}, .terminal = true, .reader_gone = false, .out_file = ""});
  CHECK_THAT(ended.out, Contains(":5:5: \x1b[1;31merror:\x1b[0m "));
}
