#include "providers/auth/client_proof.hpp"

#include "providers/auth/entra_application.hpp"
#include "tests/support/client_pem.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

Instant const noon = parse_rfc3339("2026-03-01T12:00:00Z").value();

struct World {
  test::TemporaryFolder folder;
  test::VirtualClock clock{noon};
  test::SeededRandom random{1};
  std::vector<Result<HttpResponse>> answers;  ///< The last one is repeated.
  std::size_t asked{0};
  test::ScriptedTransport network{clock, [this](HttpRequest const&) { return next(); }};
  std::unique_ptr<ApiClient> api{make_api_client(network, clock, random, ApiLimits{})};
  std::unique_ptr<CredentialSource> source;
  boost::asio::io_context io{1};

  Result<HttpResponse> next() { return answers.at(std::min(asked++, answers.size() - 1)); }

  fs::path write(std::string const& name, std::string const& text, fs::perms mode = fs::perms::owner_read) {
    auto const path = folder.path() / name;
    fs::remove(path);
    folder.write(name, text);
    fs::permissions(path, mode);
    return path;
  }
  void use(std::unique_ptr<ClientProof> proof) {
    Endpoint authority;
    authority.host = "login.microsoftonline.com";
    source = make_entra_application(*api, clock, {authority, "contoso.example", "app", std::move(proof)});
  }
  Result<AccessTokenPtr> ask(std::string audience = "https://vault.azure.net") {
    return test::run_coroutine(io, clock, source->token(std::move(audience), clock.mono_now() + 10min));
  }
  std::string field(std::size_t request, std::string const& name) const {
    std::string const body(network.sent().at(request).body.begin(), network.sent().at(request).body.end());
    auto const begin = ("&" + body).find("&" + name + "=");
    if (begin == std::string::npos) return {};
    auto const value = body.substr(begin + name.size() + 1);
    return value.substr(0, value.find('&'));
  }
};

HttpResponse granted() { return test::answer(200, R"({"access_token":"t","expires_in":3599})"); }

test::ClientPem const& pem() {
  static auto const made = test::make_client_pem(noon - 24h, noon + 24h);
  return made;
}

}  // namespace

TEST_CASE("a certificate proves by an assertion that is new for each audience") {
  World world;
  world.answers = {granted()};
  auto proof = make_certificate_proof(world.write("app.pem", pem().both()), {}, world.clock, world.random);
  REQUIRE(proof.has_value());
  world.use(*std::move(proof));
  REQUIRE(world.ask().has_value());
  REQUIRE(world.ask("https://management.azure.com/.default").has_value());
  CHECK(world.field(0, "client_assertion_type") ==
        "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer");
  CHECK(world.field(0, "client_secret").empty());
  CHECK(test::verifies(world.field(0, "client_assertion"), "PS256", pem().certificate));
  CHECK(world.field(0, "client_assertion") != world.field(1, "client_assertion"));
  CHECK(world.field(1, "scope") == "https%3A%2F%2Fmanagement.azure.com%2F.default");
}

TEST_CASE("what may have reached Entra ID goes out again with another assertion") {
  auto const first = GENERATE(0, 1);
  World world;
  world.answers = {granted(), granted()};
  if (first == 0) world.answers[0] = test::answer(503, "busy");
  if (first == 1) world.answers[0] = test::network_error(Delivery::maybe_applied);
  world.use(*make_certificate_proof(world.write("app.pem", pem().both()), {}, world.clock, world.random));
  REQUIRE(world.ask().has_value());
  REQUIRE(world.network.sent().size() == 2);
  CHECK(world.field(0, "client_assertion") != world.field(1, "client_assertion"));
}

TEST_CASE("a renewed certificate counts from the next token on") {
  World world;
  world.answers = {granted()};
  auto const path = world.write("app.pem", pem().both());
  world.use(*make_certificate_proof(path, {}, world.clock, world.random));
  REQUIRE(world.ask().has_value());
  auto const renewed = test::make_client_pem(noon - 1h, noon + 48h);
  world.write("app.pem", renewed.both());
  REQUIRE(world.ask("https://managedhsm.azure.net").has_value());
  CHECK(test::verifies(world.field(1, "client_assertion"), "PS256", renewed.certificate));
}

TEST_CASE("a certificate that has expired or was broken meanwhile is told, and nothing is sent") {
  World world;
  world.answers = {granted()};
  auto const path = world.write("app.pem", pem().both());
  world.use(*make_certificate_proof(path, {}, world.clock, world.random));
  SECTION("expired") { world.clock.step_wall(25h); }
  SECTION("broken") { world.write("app.pem", pem().key); }
  SECTION("gone") { fs::remove(path); }
  SECTION("readable by the group") {
    world.write("app.pem", pem().both(), fs::perms::owner_read | fs::perms::group_read);
  }
  auto const token = world.ask();
  REQUIRE_FALSE(token.has_value());
  CHECK(token.error().error_class == ErrorClass::access);
  CHECK(token.error().where == path.string());
  CHECK_FALSE(token.error().remedy.empty());
  CHECK(world.network.sent().empty());
}

TEST_CASE("a certificate file that is no good at the start is refused at the start, an expired one is not") {
  World world;
  auto const make = [&world](std::string const& text, fs::perms mode = fs::perms::owner_read) {
    return make_certificate_proof(world.write("x.pem", text, mode), {}, world.clock, world.random);
  };
  CHECK_FALSE(make(pem().key).has_value());
  CHECK_FALSE(make(pem().both(), fs::perms::owner_read | fs::perms::others_read).has_value());
  CHECK_FALSE(make_certificate_proof("/nowhere/x.pem", {}, world.clock, world.random).has_value());
  CHECK(make(test::make_client_pem(noon - 48h, noon - 24h).both()).has_value());
}

TEST_CASE("a federated token is read for every token, blanks around it taken off") {
  World world;
  world.answers = {granted()};
  auto const all = fs::perms::owner_read | fs::perms::group_read | fs::perms::others_read;
  auto const path = world.write("token", "\n eyJh.eyJi.c2ln \n", all);
  world.use(make_federated_proof(path));
  REQUIRE(world.ask().has_value());
  world.write("token", "eyJh.eyJi.bmV3", all);
  REQUIRE(world.ask("https://managedhsm.azure.net").has_value());
  CHECK(world.field(0, "client_assertion") == "eyJh.eyJi.c2ln");
  CHECK(world.field(1, "client_assertion") == "eyJh.eyJi.bmV3");
}

TEST_CASE("a federated token file that holds no token is told, and nothing is sent") {
  auto const text = GENERATE(as<std::string>(), "", " \n\t", "a secret", "one.two", "a.b.c\nd.e.f", "a.b.",
                             ".b.c", "a.b.c.d", std::string(20'000, 'x'), std::string("a.b\0.c", 6));
  World world;
  world.answers = {granted()};
  world.use(make_federated_proof(world.write("token", text)));
  auto const token = world.ask();
  REQUIRE_FALSE(token.has_value());
  CHECK(token.error().error_class == ErrorClass::access);
  CHECK(to_text(token.error()).find("a secret") == std::string::npos);
  CHECK(world.network.sent().empty());
}

TEST_CASE("a federated token file may come later than the daemon") {
  World world;
  world.answers = {granted()};
  world.use(make_federated_proof(world.folder.path() / "token"));
  CHECK(world.ask().error().what.find("No such file") != std::string::npos);
  world.write("token", "a.b.c");
  world.clock.advance(31s);
  CHECK(world.ask().has_value());
}

TEST_CASE("claims that a service demands go with the next request, and only with that") {
  World world;
  world.answers = {granted()};
  world.use(make_secret_proof(Secret(std::string_view("s"))));
  auto const token = world.ask();
  REQUIRE(token.has_value());
  world.source->forget_for_claims(*token, R"({"access_token":{}})");
  auto const second = world.ask();
  REQUIRE(second.has_value());
  CHECK(world.field(0, "claims").empty());
  CHECK(world.field(1, "claims") == "%7B%22access_token%22%3A%7B%7D%7D");
  world.source->forget(*second);
  REQUIRE(world.ask().has_value());
  CHECK(world.field(2, "claims").empty());
}
