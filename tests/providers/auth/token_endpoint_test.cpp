#include "providers/auth/entra_application.hpp"
#include "providers/auth/ibm_iam.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
using test::answer;

namespace {

Instant const noon = parse_rfc3339("2026-03-01T12:00:00Z").value();

struct World {
  Result<HttpResponse> next{answer(200)};
  test::VirtualClock clock{noon};
  test::SeededRandom random{1};
  test::ScriptedTransport network{clock, [this](HttpRequest const&) { return next; }};
  std::unique_ptr<ApiClient> api{make_api_client(network, clock, random, ApiLimits{})};
  std::unique_ptr<CredentialSource> entra;
  std::unique_ptr<CredentialSource> ibm;
  boost::asio::io_context io{1};

  World() {
    EntraApplication identity;
    identity.authority.host = "login.microsoftonline.com";
    identity.tenant = "contoso.onmicrosoft.com";
    identity.client_id = "11111111-2222-3333-4444-555555555555";
    identity.proof = make_secret_proof(Secret(std::string_view("p~Q+/ &=8")));
    entra = make_entra_application(*api, clock, std::move(identity));
    Endpoint iam;
    iam.host = "iam.cloud.ibm.com";
    ibm = make_ibm_iam_api_key(*api, clock, iam, Secret(std::string_view("key+1")));
  }
  Result<AccessTokenPtr> ask(CredentialSource& source, std::string audience = "https://vault.azure.net") {
    return test::run_coroutine(io, clock, source.token(std::move(audience), clock.mono_now() + 60s));
  }
  Error fail(CredentialSource& source) {
    auto const token = ask(source);
    REQUIRE_FALSE(token.has_value());
    CHECK(to_text(token.error()).find("p~Q") == std::string::npos);
    CHECK(to_text(token.error()).find("key+1") == std::string::npos);
    return token.error();
  }
};

std::string entra_refusal(std::string const& error, long code) {
  return fmt::format(
      R"({{"error":"{}","error_description":"AADSTS{}: It is so.\r\nTrace ID: t\r\nTimestamp: x","error_codes":[{}],)"
      R"("trace_id":"trace-1","correlation_id":"c"}})",
      error, code, code);
}

}  // namespace

TEST_CASE("Entra is asked with a form, and its token serves until its end") {
  World world;
  world.next = answer(
      200, R"({"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"eyJ0.a.b"})");
  auto const token = world.ask(*world.entra);
  REQUIRE(token.has_value());
  CHECK((*token)->bearer.reveal() == "eyJ0.a.b");
  CHECK((*token)->expires == world.clock.mono_now() + 3599s);
  auto const& sent = world.network.sent().at(0);
  CHECK(sent.method == "POST");
  CHECK(sent.endpoint.text() == "https://login.microsoftonline.com");
  CHECK(sent.target == "/contoso.onmicrosoft.com/oauth2/v2.0/token");
  CHECK(sent.headers ==
        Headers{{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}});
  CHECK(std::string_view(sent.body) ==
        "client_id=11111111-2222-3333-4444-555555555555&client_secret=p~Q%2B%2F%20%26%3D8"
        "&grant_type=client_credentials&scope=https%3A%2F%2Fvault.azure.net%2F.default");
}

TEST_CASE("an audience may be written with a slash or as a whole scope") {
  auto const audience =
      GENERATE(as<std::string>(), "https://vault.azure.net/", "https://vault.azure.net/.default");
  World world;
  world.next = answer(200, R"({"expires_in":"3599","access_token":"t"})");
  REQUIRE(world.ask(*world.entra, audience).has_value());
  CHECK(std::string_view(world.network.sent().at(0).body)
            .ends_with("scope=https%3A%2F%2Fvault.azure.net%2F.default"));
}

TEST_CASE("IBM IAM is asked with a form, once for all audiences") {
  World world;
  world.next =
      answer(200, R"({"access_token":"eyJraWQ","refresh_token":"not_available","token_type":"Bearer",)"
                  R"("expires_in":3600,"expiration":1893456000,"scope":"ibm openid"})");
  auto const token = world.ask(*world.ibm, "one");
  REQUIRE(token.has_value());
  CHECK((*token)->expires == world.clock.mono_now() + 3540s);
  CHECK((*token)->refresh_after == world.clock.mono_now() + 2880s);
  CHECK(*world.ask(*world.ibm, "two") == *token);
  REQUIRE(world.network.sent().size() == 1);
  auto const& sent = world.network.sent()[0];
  CHECK(sent.target == "/identity/token");
  CHECK(std::string_view(sent.body) ==
        "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=key%2B1");
}

TEST_CASE("a trusted profile is entered with the token in the first file that is there, read each time") {
  World world;
  test::TemporaryFolder folder;
  folder.write("second", "eyJ.compute.1\n");
  Endpoint iam;
  iam.host = "iam.cloud.ibm.com";
  auto const named = GENERATE(true, false);
  TrustedProfile profile{named ? "" : "Profile-1",
                         named ? "rekeyd & co" : "",
                         {folder.path() / "first", folder.path() / "second"}};
  auto const source = make_ibm_trusted_profile(*world.api, world.clock, iam, profile);
  world.next = answer(200, R"({"access_token":"eyJ","token_type":"Bearer","expires_in":3600})");
  auto const token = world.ask(*source);
  REQUIRE(token.has_value());
  CHECK(std::string_view(world.network.sent().at(0).body) ==
        std::string("grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Acr-token&cr_token=eyJ.compute.1&") +
            (named ? "profile_name=rekeyd%20%26%20co" : "profile_id=Profile-1"));
  folder.write("first", "eyJ.compute.2");
  source->forget(*token);
  REQUIRE(world.ask(*source).has_value());
  CHECK(std::string_view(world.network.sent().at(1).body).find("eyJ.compute.2") != std::string_view::npos);
}

TEST_CASE("a compute resource without a token, or that IAM does not let in, is told so") {
  World world;
  test::TemporaryFolder folder;
  Endpoint iam;
  iam.host = "iam.cloud.ibm.com";
  auto const source =
      make_ibm_trusted_profile(*world.api, world.clock, iam, {"Profile-1", "", {folder.path() / "token"}});
  auto const missing = world.ask(*source);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().where.find("token") != std::string::npos);
  CHECK(world.network.sent().empty());
  folder.write("token", "eyJ.compute.1");
  world.clock.advance(60s);
  world.next = answer(400, R"({"errorCode":"BXNIM9999E","errorMessage":"Not you."})");
  auto const refused = world.ask(*source);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().error_class == ErrorClass::access);
  CHECK(refused.error().code == "BXNIM9999E");
  CHECK(refused.error().remedy.find("trusted profile") != std::string::npos);
  CHECK(to_text(refused.error()).find("eyJ.compute") == std::string::npos);
}

TEST_CASE("a lifetime may be a number, digits, or IAM's moment of expiry") {
  World world;
  auto const expiry = (noon + 1800s).time_since_epoch().count();
  auto const body = GENERATE_COPY(as<std::string>(), R"({"access_token":"t","expires_in":1800})",
                                  R"({"access_token":"t","expires_in":"1800"})",
                                  fmt::format(R"({{"access_token":"t","expiration":{}}})", expiry));
  world.next = answer(200, body);
  auto const token = world.ask(*world.entra);
  REQUIRE(token.has_value());
  CHECK((*token)->expires == world.clock.mono_now() + 1800s);
}

TEST_CASE("a token answer that is none is malformed") {
  auto const body =
      GENERATE(as<std::string>(), "", "<html></html>", "[]", "{}", R"({"expires_in":3600})",
               R"({"access_token":1,"expires_in":3600})", R"({"access_token":"","expires_in":3600})",
               R"({"access_token":"t"})", R"({"access_token":"t","expires_in":"soon"})",
               R"({"access_token":"t","expires_in":-5})", R"({"access_token":"t","expires_in":0})",
               R"({"access_token":"t\r\nX: y","expires_in":3600})",
               R"({"access_token":"t","token_type":"pop","expires_in":3600})",
               R"({"access_token":"t","expires_in":null})");
  CAPTURE(body);
  World world;
  world.next = answer(200, body);
  auto const entra = world.fail(*world.entra);
  CHECK(entra.error_class == ErrorClass::malformed);
  CHECK(entra.where == "POST login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token");
  CHECK(world.fail(*world.ibm).error_class == ErrorClass::malformed);
}

TEST_CASE("Entra's refusals say what a person can do") {
  struct Case {
    unsigned status;
    char const* error;
    long code;
    ErrorClass error_class;
    char const* remedy;
  };
  auto const refusal =
      GENERATE(values<Case>({{401, "invalid_client", 7000215, ErrorClass::access, "secret is wrong"},
                             {401, "invalid_client", 7000222, ErrorClass::access, "has expired"},
                             {400, "unauthorized_client", 700016, ErrorClass::access, "not in this tenant"},
                             {400, "invalid_request", 90002, ErrorClass::access, "tenant is not known"},
                             {401, "invalid_client", 700024, ErrorClass::access, "clock"},
                             {400, "invalid_resource", 500011, ErrorClass::access, "not registered"},
                             {400, "invalid_client", 123456, ErrorClass::access, "check tenant"},
                             {400, "temporarily_unavailable", 90033, ErrorClass::transient, ""},
                             {400, "temporarily_unavailable", 123456, ErrorClass::transient, ""}}));
  CAPTURE(refusal.code);
  World world;
  world.next = answer(refusal.status, entra_refusal(refusal.error, refusal.code));
  auto const error = world.fail(*world.entra);
  CHECK(error.error_class == refusal.error_class);
  CHECK(error.code == fmt::format("AADSTS{}", refusal.code));
  CHECK(error.request_id == "trace-1");
  CHECK(error.http_status == refusal.status);
  CHECK(error.remedy.find(refusal.remedy) != std::string::npos);
  CHECK(error.what == fmt::format("Entra ID gives no token: AADSTS{}: It is so.", refusal.code));
  CHECK(world.network.sent().size() == 1);
}

TEST_CASE("IAM's unknown API key is for a person to mend, and is not asked twice") {
  World world;
  world.next =
      answer(400, R"({"errorCode":"BXNIM0415E","errorMessage":"Provided API key could not be found.",)"
                  R"("context":{"requestId":"Yh7-1","requestType":"incoming.Identity_Token"}})");
  auto const error = world.fail(*world.ibm);
  CHECK(error.error_class == ErrorClass::access);
  CHECK(error.code == "BXNIM0415E");
  CHECK(error.request_id == "Yh7-1");
  CHECK(error.remedy.find("make a new one") != std::string::npos);
  CHECK(world.network.sent().size() == 1);
}

TEST_CASE("trouble that passes is tried again, and is transient when it lasts") {
  auto const status = GENERATE(429u, 500u, 503u);
  World world;
  world.next = answer(status, "<html>busy</html>");
  CHECK(world.fail(*world.entra).error_class == ErrorClass::transient);
  auto const tries = static_cast<int>(world.network.sent().size());
  CHECK(tries == ApiLimits{}.tries_max);
  CHECK(world.fail(*world.ibm).error_class == ErrorClass::transient);
}

TEST_CASE("a refusal that is no token endpoint's says that something else answers there") {
  auto const body = GENERATE(as<std::string>(), "<html>404</html>", "[]", "");
  World world;
  world.next = answer(404, body);
  auto const error = world.fail(*world.entra);
  CHECK(error.error_class == ErrorClass::malformed);
  CHECK(error.remedy.find("authority") != std::string::npos);
  CHECK(world.fail(*world.ibm).error_class == ErrorClass::malformed);
}

TEST_CASE("the fields of a refusal may be of any type without harm") {
  auto const body =
      GENERATE(as<std::string>(), R"({"error":5,"error_codes":"x","trace_id":[],"error_description":{}})",
               R"({"error":"e","error_codes":[]})", R"({"error":"e","error_codes":["7000215"]})",
               R"({"errorCode":1,"errorMessage":false,"context":"x"})", "{}");
  World world;
  world.next = answer(400, body);
  CHECK(world.fail(*world.entra).error_class == ErrorClass::access);
  CHECK(world.fail(*world.ibm).error_class == ErrorClass::access);
}

TEST_CASE("a lost network is told as it is") {
  World world;
  world.next = test::network_error(Delivery::not_sent);
  auto const error = world.fail(*world.entra);
  CHECK(error.error_class == ErrorClass::transient);
  CHECK(error.delivery == Delivery::not_sent);
}
