#include "providers/auth/managed_identity.hpp"

#include "tests/support/run_coroutine.hpp"
#include "tests/support/scripted_transport.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Named = ManagedIdentity::Named;

namespace {

Instant const noon = parse_rfc3339("2026-03-01T12:00:00Z").value();

HttpResponse granted() {
  return test::answer(
      200, R"({"access_token":"eyJ0","client_id":"c","expires_in":"86399","expires_on":"1767323045",)"
           R"("resource":"https://vault.azure.net","token_type":"Bearer","refresh_token":""})");
}

struct World {
  test::VirtualClock clock{noon};
  test::SeededRandom random{1};
  std::function<Result<HttpResponse>(HttpRequest const&)> script{
      [](HttpRequest const&) { return granted(); }};
  test::ScriptedTransport network{clock, [this](HttpRequest const& request) { return script(request); }};
  ApiLimits limits{.tries_max = 1};
  std::unique_ptr<ApiClient> api{make_api_client(network, clock, random, limits)};
  std::unique_ptr<CredentialSource> source;
  boost::asio::io_context io{1};

  explicit World(ManagedIdentity identity = {}) {
    source = make_instance_identity(*api, clock, std::move(identity));
  }
  Result<AccessTokenPtr> ask(std::chrono::seconds patience = 10min,
                             std::string audience = "https://vault.azure.net") {
    return test::run_coroutine(io, clock, source->token(std::move(audience), clock.mono_now() + patience));
  }
  HttpRequest const& last() const { return network.sent().back(); }
  /// When the tries went out, counted from the first one; the probe before them left out.
  std::vector<std::chrono::seconds> tries() const {
    std::vector<std::chrono::seconds> found;
    for (std::size_t i = 1; i < network.sent_at().size(); ++i) {
      auto const since = network.sent_at()[i] - network.sent_at()[1];
      found.push_back(std::chrono::round<std::chrono::seconds>(since));
    }
    return found;
  }
};

bool is_probe(HttpRequest const& request) {
  return std::ranges::none_of(request.headers, [](auto const& header) { return header.first == "Metadata"; });
}

std::string value_of(HttpRequest const& request, std::string const& name) {
  for (auto const& [field, value] : request.headers) {
    if (field == name) return value;
  }
  return {};
}

}  // namespace

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
