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
