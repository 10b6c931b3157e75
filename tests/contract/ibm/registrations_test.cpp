#include "tests/contract/ibm/ibm_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <map>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

std::string const path = std::string("/keys/") + root;
std::string const four_services = fmt::format(R"([
  {{ name: payments, id: {}, created: 14 months ago, versions: 2, registrations: [
    {{ crn: 'crn:v1:bluemix:public:is:us-south-1:a/1::volume:fast', profile: fast }},
    {{ crn: 'crn:v1:bluemix:public:cloud-object-storage:global:a/1:cos:bucket:slow', profile: slow, description: logs }},
    {{ crn: 'crn:v1:bluemix:public:databases-for-postgresql:us-south:a/1:never::', profile: never }},
    {{ crn: 'crn:v1:bluemix:public:is:us-south-2:a/1::image:stale', profile: stale, prevents_deletion: true }} ] }},
  {{ name: other, created: 1 month ago, registrations: [{{ crn: 'crn:v1:bluemix:public:is:us-south-1:a/1::volume:other' }}] }}
])",
                                              root);

/// Which registrations use the key's newest version, by the last part of their resource.
std::map<std::string, bool> followed(IbmWorld& world) {
  auto const newest = world.current_version(root);
  auto const reply = world.get(path + "/registrations");
  std::map<std::string, bool> result;
  for (std::size_t i = 0; i < reply.count(); ++i) {
    std::string crn(reply.resource(i).at("resourceCrn").as_string());
    for (char const* word : {"fast", "slow", "never", "stale"}) {
      if (crn.find(word) != std::string::npos) {
        result[word] = reply.resource(i).at("keyVersion").at("id").as_string() == newest;
      }
    }
  }
  return result;
}
using Followed = std::map<std::string, bool>;

void later(IbmWorld& world, seconds time) {
  world.pass(time);
  world.as("manager-key");
}

}  // namespace

TEST_CASE("A registration tells its resource, its key and the version in use") {
  IbmWorld world(four_services);
  auto const reply = world.get(path + "/registrations?totalCount=true");
  REQUIRE(reply.count() == 4);
  CHECK(reply.metadata().at("totalCount").as_int64() == 4);
  CHECK(reply.metadata().at("collectionType").as_string() == "application/vnd.ibm.kms.registration+json");
  auto const& bucket = reply.resource(1);
  CHECK(bucket.at("keyId").as_string() == root);
  CHECK(bucket.at("keyName").as_string() == "payments");
  CHECK(bucket.at("description").as_string() == "logs");
  CHECK_FALSE(bucket.at("preventKeyDeletion").as_bool());
  CHECK(bucket.contains("lastUpdated"));
  CHECK(reply.text_at("/resources/1/keyVersion/id") == world.current_version(root));
}

TEST_CASE("After a rotate each service follows at its own pace, and sync wakes those that missed it") {
  IbmWorld world(four_services);
  CHECK(followed(world) == Followed{{"fast", true}, {"slow", true}, {"never", true}, {"stale", true}});
  REQUIRE(world.post(path + "/actions/rotate").status == 204);
  CHECK(followed(world) == Followed{{"fast", false}, {"slow", false}, {"never", false}, {"stale", false}});
  world.pass(seconds(10));
  CHECK(followed(world) == Followed{{"fast", true}, {"slow", false}, {"never", false}, {"stale", false}});
  later(world, hours(4));
  CHECK(followed(world) == Followed{{"fast", true}, {"slow", true}, {"never", false}, {"stale", false}});
  later(world, hours(24));
  CHECK_FALSE(followed(world).at("never"));

  REQUIRE(world.post(path + "/actions/sync").status == 204);
  CHECK_FALSE(followed(world).at("never"));
  world.pass(seconds(10));
  CHECK(followed(world) == Followed{{"fast", true}, {"slow", true}, {"never", true}, {"stale", false}});
  later(world, hours(24));
  REQUIRE(world.post(path + "/actions/sync").status == 204);
  later(world, hours(24));
  CHECK_FALSE(followed(world).at("stale"));
}

TEST_CASE("A service still at work on one version ends at the newest") {
  IbmWorld world(four_services);
  REQUIRE(world.post(path + "/actions/rotate").status == 204);
  later(world, minutes(61));
  REQUIRE(world.post(path + "/actions/rotate").status == 204);
  later(world, hours(4));
  CHECK(followed(world).at("slow"));
  CHECK(followed(world).at("fast"));
}

TEST_CASE("sync within the hour of the last notification is 409 and names the earliest moment") {
  IbmWorld world(four_services);
  REQUIRE(world.post(path + "/actions/sync").status == 204);
  auto reply = world.post(path + "/actions/sync");
  CHECK(reply.status == 409);
  CHECK(reply.code() == "REQ_TOO_EARLY_ERR");
  CHECK(reply.message().ends_with("Sync cannot be performed until at least 2026-11-22T03:00:00Z"));
  world.pass(minutes(30));
  REQUIRE(world.post(path + "/actions/rotate").status == 204);  // a notification as well
  reply = world.post(path + "/actions/sync");
  CHECK(reply.message().ends_with("2026-11-22T03:30:00Z"));
  later(world, hours(1));
  CHECK(world.post(path + "/actions/sync").status == 204);
}

TEST_CASE("Registrations are filtered by CRN, with * raw or encoded, and by retention") {
  IbmWorld world(four_services);
  auto const count = [&world](std::string const& query) {
    return world.get(path + "/registrations?" + query).count();
  };
  std::string const crn = "urlEncodedResourceCRNQuery=crn%3Av1%3Abluemix%3Apublic%3A";
  CHECK(count(crn + "is%3A*%3A*%3A*%3A*%3A*") == 2);
  CHECK(count(crn + "is%3A%2A%3A%2A%3A%2A%3Avolume%3A%2A") == 1);
  CHECK(count(crn + "is%3Aus-south-1%3Aa%2F1%3A%3Avolume%3Afast") == 1);
  CHECK(count(crn + "is%3Aus-south-1%3Aa%2F1%3A%3Avolume%3Aelse") == 0);
  CHECK(count("preventKeyDeletion=true") == 1);
  CHECK(count("preventKeyDeletion=false") == 3);
  CHECK(world.get(path + "/registrations?" + crn + "is").code() == "INVALID_QUERY_PARAM_ERR");
  CHECK(world.get(path + "/registrations?preventKeyDeletion=maybe").code() == "INVALID_QUERY_PARAM_ERR");
  CHECK(world.get("/keys/none/registrations").code() == "KEY_NOT_FOUND_ERR");
}

TEST_CASE("The registrations of all keys come in pages, their CRN query has eight exact segments") {
  IbmWorld world(four_services);
  CHECK(world.get("/keys/registrations").count() == 5);
  auto const page = world.get("/keys/registrations?limit=2&offset=4&totalCount=true");
  CHECK(page.count() == 1);
  CHECK(page.metadata().at("totalCount").as_int64() == 5);
  std::string const query =
      "/keys/registrations?urlEncodedResourceCRNQuery=crn%3Av1%3Abluemix%3Apublic%3Ais%3A";
  CHECK(world.get(query + "us-south-1%3Aa%2F1%3A%3A*%3A*").count() == 2);
  CHECK(world.get(query + "*%3Aa%2F1%3A%3A*%3A*").code() == "INVALID_QUERY_PARAM_ERR");
  CHECK(world.get("/keys/registrations?limit=5001").status == 400);
}

TEST_CASE("A key without registrations has a list without resources") {
  IbmWorld world;
  auto const reply = world.get("/keys/" + world.create_root_key() + "/registrations");
  CHECK(reply.status == 200);
  CHECK_FALSE(reply.body.as_object().contains("resources"));
}
