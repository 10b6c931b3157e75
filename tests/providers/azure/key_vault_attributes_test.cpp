#include "tests/providers/azure/vault_world.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

namespace rekeyd {
namespace {

using test::answer;
using test::BundleText;
using test::VaultWorld;
using test::version_id;

std::string patch(char digit) { return "PATCH /keys/cmk/" + version_id(digit); }

boost::json::object sent_body(VaultWorld& world, char digit) {
  auto const sent = world.sent(patch(digit));
  REQUIRE(sent.size() == 1);
  return boost::json::parse(std::string(sent[0].body)).as_object();
}

auto set_tags(VaultWorld& world) {
  return world.run(world.provider->set_tags(world.key(), {{"rekeyd-rotated-at", "now"}}, world.deadline()));
}

BundleText tagged(VaultWorld const& world, std::string const& tags) {
  BundleText bundle = world.version('2');
  bundle.members["tags"] = tags;
  return bundle;
}

TEST_CASE("an expiry is set for one version, and nothing else is said of it") {
  VaultWorld world;
  BundleText expiring = world.version('1');
  expiring.attributes["exp"] = "1790000000";
  world.on(patch('1'), expiring.str());
  Instant const expires{std::chrono::seconds(1'790'000'000)};
  REQUIRE(world.run(world.provider->set_version_expiry(world.key(), VersionId(version_id('1')), expires,
                                                       world.deadline())));
  CHECK(sent_body(world, '1') == boost::json::parse(R"({"attributes":{"exp":1790000000}})").as_object());
}

TEST_CASE("an answer that does not confirm the expiry is no success") {
  VaultWorld world;
  world.on(patch('1'), world.version('1').str());
  Instant const expires{std::chrono::seconds(1'790'000'000)};
  auto const done = world.run(
      world.provider->set_version_expiry(world.key(), VersionId(version_id('1')), expires, world.deadline()));
  REQUIRE_FALSE(done);
  CHECK(done.error().what.find("does not confirm") != std::string::npos);
}

TEST_CASE("an id that is none of a version's is never put into a path") {
  VaultWorld world;
  auto const done =
      world.run(world.provider->set_version_expiry(world.key(), VersionId("../x"), {}, world.deadline()));
  REQUIRE_FALSE(done);
  CHECK(done.error().delivery == Delivery::not_sent);
}

TEST_CASE("tags are added to those that are there, at the current version") {
  VaultWorld world;
  world.show_versions({world.version('1'), tagged(world, R"({"tier":"pci","rekeyd-rotated-at":"before"})")});
  world.on(patch('2'), tagged(world, R"({"tier":"pci","rekeyd-rotated-at":"now"})").str());
  REQUIRE(set_tags(world));
  CHECK(sent_body(world, '2') ==
        boost::json::parse(R"({"tags":{"rekeyd-rotated-at":"now","tier":"pci"}})").as_object());
}

TEST_CASE("tags that the service does not confirm are no success") {
  VaultWorld world;
  world.show_versions({world.version('1'), world.version('2')});
  world.on(patch('2'), world.version('2').str());
  REQUIRE_FALSE(set_tags(world));
}

TEST_CASE("a key that is full of tags is told so, and left as it is") {
  VaultWorld world;
  std::string tags = "{";
  for (int i = 0; i < 15; ++i) tags += (i == 0 ? "\"t" : ",\"t") + std::to_string(i) + "\":\"v\"";
  world.show_versions({world.version('1'), tagged(world, tags + "}")});
  auto const done = set_tags(world);
  REQUIRE_FALSE(done);
  CHECK(done.error().what == "its 15 tags leave no room for 1 more");
  CHECK(world.sent(patch('2')).empty());
}

TEST_CASE("a refusal carries the service's code and what to do") {
  VaultWorld world;
  world.on(
      patch('1'),
      answer(403, R"({"error":{"code":"Forbidden","message":"no","innererror":{"code":"ForbiddenByRbac"}}})",
             {{"x-ms-request-id", "theirs"}}));
  auto const done = world.run(world.provider->set_version_expiry(world.key(), VersionId(version_id('1')),
                                                                 Instant(std::chrono::seconds(1'790'000'000)),
                                                                 world.deadline()));
  REQUIRE_FALSE(done);
  CHECK(done.error().error_class == ErrorClass::access);
  CHECK(done.error().request_id == "theirs");
}

}  // namespace
}  // namespace rekeyd
