#include "tests/contract/ibm/ibm_world.hpp"
#include "tests/simulator/crypto.hpp"

#include <catch2/catch.hpp>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;

namespace {
std::string const grant = "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey";
}

TEST_CASE("An API key gives a JWT-shaped token with its lifetime as integers") {
  IbmWorld world;
  auto const reply = world.sign_in(grant + "&apikey=manager-key&response_type=cloud_iam");
  REQUIRE(reply.status == 200);
  auto const& body = reply.body.as_object();
  CHECK(body.at("expires_in").as_int64() == 3600);
  CHECK(body.at("expiration").as_int64() == world.now.time_since_epoch().count() + 3600);
  CHECK(body.at("refresh_token").as_string() == "not_supported");
  CHECK(body.at("token_type").as_string() == "Bearer");
  CHECK(body.at("scope").as_string() == "ibm openid");

  auto const token = reply.text_at("/access_token");
  auto const first = token.find('.');
  auto const second = token.find('.', first + 1);
  REQUIRE(second != std::string::npos);
  auto const claims = json::parse(from_base64url(token.substr(first + 1, second - first - 1)).value());
  CHECK(claims.at("iat").as_int64() == world.now.time_since_epoch().count());
  CHECK(claims.at("exp").as_int64() == world.now.time_since_epoch().count() + 3600);
  CHECK(claims.at("iam_id").as_string() == "iam-ServiceId-manager");
}

TEST_CASE("An unknown API key is 400 BXNIM0415E with the request's context") {
  IbmWorld world;
  auto const reply = world.sign_in(grant + "&apikey=wrong");
  CHECK(reply.status == 400);
  CHECK(reply.text_at("/errorCode") == "BXNIM0415E");
  CHECK(reply.text_at("/errorMessage") == "Provided API key could not be found.");
  CHECK(reply.text_at("/context/requestType") == "incoming.Identity_Token");
}

TEST_CASE("A missing or unknown grant, or no API key, is 400") {
  IbmWorld world;
  CHECK(world.sign_in("apikey=manager-key").status == 400);
  CHECK(world.sign_in("grant_type=password&apikey=manager-key").status == 400);
  CHECK(world.sign_in(grant).status == 400);
  CHECK(world.sign_in("%%%").status == 400);
  CHECK(world.sign_in("").status == 400);
}

TEST_CASE("The older path and the private names give tokens too, other paths and methods do not") {
  IbmWorld world;
  Request request;
  request.method = "POST";
  request.target = "/oidc/token";
  request.body = grant + "&apikey=manager-key";
  for (auto const* host : {"iam.cloud.ibm.com", "private.iam.cloud.ibm.com",
                           "private.us-south.iam.cloud.ibm.com", "iam.localhost"}) {
    request.host = request.authority = host;
    CHECK(world.raw(request).status == 200);
  }
  request.method = "GET";
  CHECK(world.raw(request).status == 405);
  request.target = "/identity/keys";
  CHECK(world.raw(request).status == 404);
}

TEST_CASE("A token ends when its lifetime does") {
  IbmWorld world;
  CHECK(world.get("/keys").status == 200);
  world.pass(std::chrono::seconds(3599));
  CHECK(world.get("/keys").status == 200);
  world.pass(std::chrono::seconds(1));
  auto const reply = world.get("/keys");
  CHECK(reply.status == 401);
  CHECK(reply.code().empty());
  world.as("manager-key");
  CHECK(world.get("/keys").status == 200);
}

TEST_CASE("The lifetime of tokens is the world file's") {
  auto world =
      IbmWorld::from_section("{ token_lifetime_s: 60, api_keys: [{ key: k, service_id: ServiceId-1 }] }");
  auto const reply = world.sign_in(grant + "&apikey=k");
  CHECK(reply.body.at("expires_in").as_int64() == 60);
}

TEST_CASE("A fault rule's refusal is in IAM's own words") {
  IbmWorld world;
  auto const answer = world.iam().refusal(429, Request{});
  CHECK(answer.status == 429);
  CHECK(json::parse(answer.body).as_object().contains("errorCode"));
  CHECK(world.iam().refusal(503, Request{}).status == 503);
}

namespace {

constexpr char const* with_profiles = R"(
api_keys: [{ key: manager-key, service_id: ServiceId-1 }]
trusted_profiles:
  - { id: Profile-1, name: cluster, role: Reader, compute_tokens: [eyJ.one] }
  - { id: Profile-2, linked: true }
instances: [{ name: kp, id: 0a0a0a0a-0000-4000-8000-000000000001, flavour: key-protect, region: us-south, keys: [] }]
)";

Request at_instance_metadata(std::string method, std::string path, std::string body) {
  Request request;
  request.method = std::move(method);
  request.host = request.authority = "169.254.169.254";
  request.target = std::move(path) + "?version=2022-03-01";
  request.headers = {{"Metadata-Flavor", "ibm"}};
  request.body = std::move(body);
  return request;
}

}  // namespace

TEST_CASE("A compute resource that a trusted profile lets in gets a token with the profile's role") {
  IbmWorld world = IbmWorld::from_section(with_profiles);
  std::string const compute = "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Acr-token";
  CHECK(world.sign_in(compute + "&cr_token=eyJ.one&profile_id=Profile-1").status == 200);
  auto const named = world.sign_in(compute + "&cr_token=eyJ.one&profile_name=cluster");
  REQUIRE(named.status == 200);
  CHECK(named.body.as_object().at("expires_in").as_int64() == 3600);
  CHECK(world.sign_in(compute + "&cr_token=eyJ.two&profile_id=Profile-1").status == 400);
  CHECK(world.sign_in(compute + "&cr_token=eyJ.one&profile_id=Profile-9").status == 404);
  CHECK(world.sign_in(compute + "&cr_token=eyJ.one").status == 400);
  CHECK(world.sign_in(compute + "&profile_id=Profile-1").status == 400);
}

TEST_CASE("A VPC instance changes its own token for one of IAM's, for a profile that it may enter") {
  IbmWorld world = IbmWorld::from_section(with_profiles);
  auto const own =
      world.raw(at_instance_metadata("PUT", "/instance_identity/v1/token", R"({"expires_in":300})"));
  REQUIRE(own.status == 200);
  CHECK(own.body.as_object().at("expires_in").as_int64() == 300);
  auto asks = at_instance_metadata("POST", "/instance_identity/v1/iam_token", "{}");
  CHECK(world.raw(asks).status == 401);
  asks.headers.emplace_back("Authorization", "Bearer " + own.text_at("/access_token"));
  auto const iam = world.raw(asks);
  REQUIRE(iam.status == 200);
  CHECK(iam.body.as_object().at("expires_in").as_int64() == 3600);
  asks.body = R"({"trusted_profile":{"id":"Profile-2"}})";
  CHECK(world.raw(asks).status == 200);
  asks.body = R"({"trusted_profile":{"id":"Profile-1"}})";
  CHECK(world.raw(asks).status == 403);
  asks.body = "{}";
  world.pass(std::chrono::seconds(300));
  CHECK(world.raw(asks).status == 401);
  auto const plain = at_instance_metadata("PUT", "/instance_identity/v1/token", R"({"expires_in":3601})");
  CHECK(world.raw(plain).status == 400);
}
