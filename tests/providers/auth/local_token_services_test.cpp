#include "tests/providers/auth/machine_world.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
using test::granted;
using test::value_of;
using World = test::MachineWorld;
namespace fs = std::filesystem;
using Named = ManagedIdentity::Named;

TEST_CASE("App Service is asked where its environment says, with its header") {
  World world;
  world.script = [](HttpRequest const&) {
    return test::answer(200, R"({"access_token":"t","expires_on":"1772370000","token_type":"Bearer"})");
  };
  auto service = LocalService::parse("http://169.254.129.3:8081/msi/token/");
  REQUIRE(service.has_value());
  world.source = make_app_service_identity(*world.api, world.clock, {Named::object_id, "o-1"}, *service,
                                           Secret(std::string_view("header-secret")));
  auto const token = world.ask();
  REQUIRE(token.has_value());
  CHECK((*token)->expires == world.clock.mono_now() + 3600s);
  REQUIRE(world.network.sent().size() == 1);
  CHECK(world.last().endpoint.text() == "http://169.254.129.3:8081");
  CHECK(world.last().target ==
        "/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net&principal_id=o-1");
  CHECK(value_of(world.last(), "X-IDENTITY-HEADER") == "header-secret");
  world.script = [](HttpRequest const&) {
    return test::answer(400, R"({"statusCode":400,"message":"No identity"})");
  };
  world.source->forget(*token);
  auto const refused = world.ask();
  CHECK(refused.error().what.find("No identity") != std::string::npos);
  CHECK(to_text(refused.error()).find("header-secret") == std::string::npos);
}

TEST_CASE("a local token service is a plain URL, in clear only on this machine and its link") {
  auto const url =
      GENERATE(as<std::string>(), "", "localhost:40342/x", "http://localhost:40342", "http://localhost/?a=b",
               "http://10.0.0.4/msi/token", "http://identity.example/msi/token", "ftp://localhost/x",
               "http://user@localhost/x", "http://169.255.0.1/x", "http://localhost.example/x");
  CAPTURE(url);
  CHECK_FALSE(LocalService::parse(url).has_value());
  CHECK(LocalService::parse("https://identity.example/msi/token").has_value());
  CHECK(LocalService::parse("http://[::1]:8081/msi/token").has_value());
}

namespace {

/// An agent that wants the content of a file back.
struct Arc : World {
  test::TemporaryFolder folder;
  fs::path tokens{folder.path() / "tokens"};
  std::string realm;

  Arc() {
    fs::create_directories(tokens);
    realm = write("tokens/one.key", "the content");
    script = [this](HttpRequest const& request) {
      if (value_of(request, "Authorization") == "Basic the content") return granted();
      return test::answer(401, "", {{"WWW-Authenticate", "Basic realm=" + realm}});
    };
    auto service = LocalService::parse("http://localhost:40342/metadata/identity/oauth2/token");
    source = make_arc_identity(*api, clock, service.value(), tokens);
  }
  std::string write(std::string const& name, std::string const& text) {
    auto const path = folder.write(name, text);
    fs::permissions(path, fs::perms::owner_read | fs::perms::group_read);
    return path.string();
  }
};

}  // namespace

TEST_CASE("the Azure Arc agent gets the content of the file that it names") {
  Arc arc;
  REQUIRE(arc.ask().has_value());
  REQUIRE(arc.network.sent().size() == 2);
  CHECK(arc.last().target.find("api-version=2019-11-01") != std::string::npos);
  CHECK(value_of(arc.last(), "Metadata") == "true");
}

TEST_CASE("whoever answers in the Azure Arc agent's place gets no other file out of us") {
  auto const way = GENERATE(range(0, 9));
  CAPTURE(way);
  Arc arc;
  if (way == 0) arc.realm = "/etc/shadow";
  if (way == 1) arc.realm = arc.write("tokens/one.txt", "the content");
  if (way == 2) arc.realm = arc.write("other.key", "the content");
  if (way == 3) arc.realm = (arc.tokens / "../other.key").string();
  if (way == 4) arc.realm = arc.write("tokens/deep/one.key", "the content");
  if (way == 5) arc.realm = arc.write("tokens/big.key", std::string(4097, 'x'));
  if (way == 6) arc.realm = "";
  if (way == 7) arc.realm = (arc.tokens / "absent.key").string();
  if (way == 8) {
    fs::create_symlink(arc.write("secret", "the content"), arc.tokens / "link.key");
    arc.realm = (arc.tokens / "link.key").string();
  }
  auto const token = arc.ask();
  REQUIRE_FALSE(token.has_value());
  CHECK(token.error().error_class == ErrorClass::access);
  CHECK_FALSE(token.error().remedy.empty());
  CHECK(arc.network.sent().size() == 1);
}

TEST_CASE("an Azure Arc agent that does not take its own key is told once") {
  Arc arc;
  arc.script = [&arc](HttpRequest const&) {
    return test::answer(401, "{}", {{"WWW-Authenticate", "Basic realm=" + arc.realm}});
  };
  auto const token = arc.ask();
  REQUIRE_FALSE(token.has_value());
  CHECK(token.error().error_class == ErrorClass::access);
  CHECK(arc.network.sent().size() == 2);
}
