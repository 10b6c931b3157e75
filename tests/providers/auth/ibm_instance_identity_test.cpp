#include "providers/auth/ibm_instance_identity.hpp"

#include "tests/support/run_coroutine.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/support/seeded_random.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
using test::answer;

namespace {

bool is_first_step(HttpRequest const& request) { return request.method == "PUT"; }

HttpResponse given(std::string const& token) {
  return answer(
      200,
      R"({"access_token":")" + token +
          R"(","created_at":"2026-03-01T12:00:00Z","expires_at":"2026-03-01T13:00:00Z","expires_in":3600})");
}

struct World {
  std::function<Result<HttpResponse>(HttpRequest const&)> script = [](HttpRequest const& request) {
    return Result<HttpResponse>(given(is_first_step(request) ? "own.1" : "iam.1"));
  };
  test::VirtualClock clock{parse_rfc3339("2026-03-01T12:00:00Z").value()};
  test::SeededRandom random{1};
  test::ScriptedTransport network{clock, [this](HttpRequest const& request) { return script(request); }};
  std::unique_ptr<ApiClient> api{make_api_client(network, clock, random, ApiLimits{.tries_max = 1})};
  boost::asio::io_context io{1};

  Result<AccessTokenPtr> ask(VpcInstance const& instance) {
    source = make_ibm_instance_identity(*api, clock, instance);
    return test::run_coroutine(io, clock, source->token("any", clock.mono_now() + 60s));
  }
  std::string header(std::size_t number, std::string_view name) {
    for (auto const& [each, value] : network.sent().at(number).headers) {
      if (each == name) return std::string(std::string_view(value));
    }
    return {};
  }
  std::unique_ptr<CredentialSource> source;
};

}  // namespace

TEST_CASE("an instance proves itself on its own link, and gets a token of IAM for its linked profile") {
  World world;
  auto const token = world.ask({});
  REQUIRE(token);
  CHECK((*token)->bearer.reveal() == "iam.1");
  CHECK((*token)->expires == world.clock.mono_now() + 3540s);
  auto const& sent = world.network.sent();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].endpoint.text() == "http://169.254.169.254");
  CHECK(sent[0].target == "/instance_identity/v1/token?version=2022-03-01");
  CHECK(world.header(0, "Metadata-Flavor") == "ibm");
  CHECK(std::string_view(sent[0].body) == R"({"expires_in":300})");
  CHECK(sent[1].method == "POST");
  CHECK(sent[1].target == "/instance_identity/v1/iam_token?version=2022-03-01");
  CHECK(world.header(1, "Authorization") == "Bearer own.1");
  CHECK(std::string_view(sent[1].body) == "{}");
}

TEST_CASE("a profile is named by its id or its CRN, and secure access goes by https to the service's name") {
  auto const [profile, body] =
      GENERATE(table<char const*, char const*>({{"Profile-1", R"({"trusted_profile":{"id":"Profile-1"}})"},
                                                {"crn:v1:x", R"({"trusted_profile":{"crn":"crn:v1:x"}})"}}));
  World world;
  REQUIRE(world.ask({profile, true}));
  CHECK(world.network.sent()[0].endpoint.text() == "https://api.metadata.cloud.ibm.com");
  CHECK(std::string_view(world.network.sent()[1].body) == body);
}

TEST_CASE("each reason why an instance gets no token has a class and a remedy") {
  struct Case {
    bool first_step;
    unsigned status;
    char const* body;
    ErrorClass error_class;
  };
  constexpr char const* not_linked =
      R"({"errors":[{"code":"not_linked","message":"Not yours."}],"trace":"t-1"})";
  auto const refused = GENERATE_COPY(values<Case>({
      {true, 403, not_linked, ErrorClass::access},
      {false, 403, not_linked, ErrorClass::access},
      {false, 401, not_linked, ErrorClass::access},
      {true, 500, not_linked, ErrorClass::transient},
      {true, 503, "<html>", ErrorClass::transient},
      {false, 429, "", ErrorClass::transient},
      {true, 404, "<html>", ErrorClass::malformed},
      {false, 200, "{}", ErrorClass::malformed},
  }));
  World world;
  world.script = [&](HttpRequest const& request) {
    bool const here = is_first_step(request) == refused.first_step;
    return Result<HttpResponse>(here ? answer(refused.status, refused.body) : given("own.1"));
  };
  auto const token = world.ask({});
  REQUIRE_FALSE(token);
  CHECK(token.error().error_class == refused.error_class);
  CHECK(to_text(token.error()).find("own.1") == std::string::npos);
  if (std::string_view(refused.body) == not_linked) {
    CHECK(token.error().code == "not_linked");
    CHECK(token.error().request_id == "t-1");
  }
  bool const mendable = refused.error_class == ErrorClass::access;
  if (mendable) CHECK_FALSE(token.error().remedy.empty());
}

TEST_CASE("a machine that is no instance is told so") {
  World world;
  world.script = [](HttpRequest const&) -> Result<HttpResponse> {
    return test::network_error(Delivery::not_sent);
  };
  auto const token = world.ask({});
  REQUIRE_FALSE(token);
  CHECK(token.error().remedy.find("VPC") != std::string::npos);
}
