#include "tests/providers/auth/machine_world.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
using test::granted;
using test::is_probe;
using test::value_of;
using World = test::MachineWorld;
using Named = ManagedIdentity::Named;

TEST_CASE("the metadata service is asked in clear at its fixed address, for a resource and not a scope") {
  World world;
  auto const token = world.ask(60s, "https://vault.azure.net/.default");
  REQUIRE(token.has_value());
  CHECK((*token)->bearer.reveal() == "eyJ0");
  CHECK((*token)->expires == world.clock.mono_now() + 86'399s);
  CHECK((*token)->refresh_after <= world.clock.mono_now() + 12h);
  REQUIRE(world.network.sent().size() == 2);
  CHECK(is_probe(world.network.sent()[0]));
  CHECK(world.last().method == "GET");
  CHECK(world.last().endpoint.text() == "http://169.254.169.254");
  CHECK(world.last().target ==
        "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net");
  CHECK(value_of(world.last(), "Metadata") == "true");
  REQUIRE(world.ask(60s, "https://management.azure.com").has_value());
  CHECK(world.network.sent().size() == 3);
}

TEST_CASE("a user-assigned identity is named by what the settings know it by") {
  struct Case {
    Named named;
    char const* id;
    char const* parameter;
  };
  auto const identity =
      GENERATE(values<Case>({{Named::client_id, "c-1", "&client_id=c-1"},
                             {Named::object_id, "o-1", "&object_id=o-1"},
                             {Named::resource_id, "/subscriptions/s", "&msi_res_id=%2Fsubscriptions%2Fs"}}));
  World world({identity.named, identity.id});
  REQUIRE(world.ask().has_value());
  CHECK(world.last().target.ends_with(identity.parameter));
}

TEST_CASE("what passes at the metadata service is tried again after 2, 6, 14 and 30 seconds") {
  auto const status = GENERATE(404u, 429u, 500u, 503u);
  World world;
  world.script = [status](HttpRequest const& request) {
    return is_probe(request) ? test::answer(400) : test::answer(status, "<html>later</html>");
  };
  auto const token = world.ask();
  REQUIRE_FALSE(token.has_value());
  CHECK(token.error().error_class == ErrorClass::transient);
  CHECK(token.error().http_status == status);
  CHECK(world.tries() == std::vector<std::chrono::seconds>{0s, 2s, 8s, 22s, 52s});
}

TEST_CASE("a metadata service that is being updated is waited for, at least seventy seconds") {
  World world;
  world.script = [](HttpRequest const& request) {
    return is_probe(request) ? test::answer(400) : test::answer(410);
  };
  CHECK(world.ask().error().error_class == ErrorClass::transient);
  CHECK(world.tries() == std::vector<std::chrono::seconds>{0s, 2s, 8s, 22s, 52s, 70s});
}

TEST_CASE("a token comes as soon as the metadata service is back") {
  World world;
  int tries = 0;
  world.script = [&tries](HttpRequest const& request) -> Result<HttpResponse> {
    if (is_probe(request)) return test::answer(400);
    if (++tries == 1) return test::network_error(Delivery::maybe_applied);
    return tries < 4 ? test::answer(410) : granted();
  };
  CHECK(world.ask().has_value());
  CHECK(world.tries().size() == 4);
}

TEST_CASE("the metadata service's own wish to wait is honoured, and the caller's deadline is kept") {
  World world;
  world.script = [](HttpRequest const& request) {
    return is_probe(request) ? test::answer(400) : test::answer(429, "", {{"Retry-After", "20"}});
  };
  CHECK_FALSE(world.ask(30s).has_value());
  CHECK(world.tries() == std::vector<std::chrono::seconds>{0s, 20s});
}

TEST_CASE("what a person must mend at the metadata service is final") {
  struct Case {
    unsigned status;
    char const* body;
    char const* remedy;
  };
  auto const refusal = GENERATE(values<Case>(
      {{400, R"({"error":"invalid_request","error_description":"Identity not found"})", "assign"},
       {400, R"({"error":"invalid_resource","error_description":"AADSTS500011: x"})", "cloud"},
       {403, R"({"error":"forbidden"})", "does not let rekeyd in"}}));
  World world;
  world.script = [&refusal](HttpRequest const& request) {
    return is_probe(request) ? test::answer(400) : test::answer(refusal.status, refusal.body);
  };
  auto const token = world.ask();
  REQUIRE_FALSE(token.has_value());
  CHECK(token.error().error_class == ErrorClass::access);
  CHECK(token.error().remedy.find(refusal.remedy) != std::string::npos);
  CHECK(token.error().where == "GET 169.254.169.254/metadata/identity/oauth2/token");
  CHECK(world.tries().size() == 1);
}

TEST_CASE("an answer that is no token service's is malformed") {
  auto const reply =
      GENERATE(values<std::pair<unsigned, char const*>>({{200, "<html>"},
                                                         {200, "{}"},
                                                         {200, R"({"access_token":"t","expires_in":"x"})"},
                                                         {400, "<html>"},
                                                         {400, "[]"}}));
  World world;
  world.script = [&reply](HttpRequest const& request) {
    return is_probe(request) ? test::answer(400) : test::answer(reply.first, reply.second);
  };
  CHECK(world.ask().error().error_class == ErrorClass::malformed);
}

TEST_CASE(
    "off Azure the absence of a metadata service is told within a second, and told again when asked again") {
  World world;
  world.network.latency = 100s;
  auto const began = world.clock.mono_now();
  auto const token = world.ask();
  REQUIRE_FALSE(token.has_value());
  CHECK(world.clock.mono_now() - began == 1s);
  CHECK(token.error().error_class == ErrorClass::transient);
  CHECK(token.error().remedy.find("169.254.169.254") != std::string::npos);
  CHECK(world.network.sent().size() == 1);
  world.network.latency = 0s;
  world.clock.advance(31s);
  CHECK(world.ask().has_value());
}
