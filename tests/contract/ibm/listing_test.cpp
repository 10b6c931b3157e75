#include "tests/contract/ibm/ibm_world.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;

namespace {

std::string const mixed_keys = R"([
  { name: alpha, created: 14 months ago, versions: 2, aliases: [first-letter] },
  { name: beta, created: 2 months ago, imported: true, ring: team-a },
  { name: gamma, created: 1 month ago, extractable: true },
  { name: delta, created: 3 months ago, state: suspended },
  { name: old-alpha, created: 20 months ago, state: destroyed }
])";

std::set<std::string> names(Reply const& reply) {
  std::set<std::string> result;
  for (std::size_t i = 0; i < reply.count(); ++i) {
    result.emplace(reply.resource(i).at("name").as_string());
  }
  return result;
}
using Names = std::set<std::string>;

}  // namespace

TEST_CASE("A list holds all keys but the deleted, root and standard alike, without payloads") {
  IbmWorld world(mixed_keys);
  auto const reply = world.get("/keys");
  REQUIRE(reply.status == 200);
  CHECK(names(reply) == Names{"alpha", "beta", "gamma", "delta"});
  CHECK(reply.metadata().at("collectionTotal").as_int64() == 4);
  CHECK(reply.metadata().at("collectionType").as_string() == "application/vnd.ibm.kms.key+json");
  for (std::size_t i = 0; i < reply.count(); ++i) CHECK_FALSE(reply.resource(i).contains("payload"));
}

TEST_CASE("state, extractable and the key ring narrow a list") {
  IbmWorld world(mixed_keys);
  CHECK(names(world.get("/keys?state=5")) == Names{"old-alpha"});
  CHECK(names(world.get("/keys?state=1%2C2%2C3%2C5&extractable=false")) ==
        Names{"alpha", "beta", "delta", "old-alpha"});
  CHECK(names(world.get("/keys?extractable=true")) == Names{"gamma"});
  CHECK(names(world.send("GET", "/keys", "", {{"X-Kms-Key-Ring", "team-a"}})) == Names{"beta"});
}

TEST_CASE("Pages cover every key once, in the order of ids, with each page's own total") {
  IbmWorld world("[{ name: many, count: 23 }]");
  Names seen;
  std::string last;
  for (std::size_t offset = 0;; offset += 10) {
    auto const reply = world.get("/keys?limit=10&offset=" + std::to_string(offset));
    REQUIRE(reply.status == 200);
    CHECK(reply.metadata().at("collectionTotal").as_int64() == static_cast<long>(reply.count()));
    CHECK_FALSE(reply.metadata().contains("totalCount"));
    for (std::size_t i = 0; i < reply.count(); ++i) {
      std::string const id(reply.resource(i).at("id").as_string());
      CHECK(last < id);
      last = id;
      seen.insert(id);
    }
    if (reply.count() < 10) break;
  }
  CHECK(seen.size() == 23);
}

TEST_CASE("Two hundred keys are a page unless the call says otherwise") {
  IbmWorld world("[{ name: many, count: 205 }]");
  CHECK(world.get("/keys").count() == 200);
  CHECK(world.get("/keys?limit=5000").count() == 205);
  CHECK(world.get("/keys?offset=1000").count() == 0);
}

TEST_CASE("limit and offset out of range are 400 and name the parameter") {
  auto const query = GENERATE(std::string("limit=0"), std::string("limit=5001"), std::string("limit=ten"),
                              std::string("limit="), std::string("offset=-1"), std::string("limit=-1"));
  IbmWorld world(mixed_keys);
  for (std::string const path : {"/keys?", "/keys/registrations?"}) {
    auto const reply = world.get(path + query);
    CHECK(reply.status == 400);
    CHECK(reply.code() == "INVALID_QUERY_PARAM_ERR");
    CHECK(reply.text_at("/resources/0/reasons/0/target/name") == query.substr(0, query.find('=')));
    CHECK(reply.text_at("/resources/0/reasons/0/target/type") == "query_param");
  }
}

TEST_CASE("HEAD counts all pages") {
  IbmWorld world(mixed_keys);
  auto const reply = world.send("HEAD", "/keys?extractable=false&state=1,2,3,5", "");
  CHECK(reply.status == 200);
  CHECK(reply.header("Key-Total") == "4");
  CHECK(reply.text.empty());
  CHECK(world.send("HEAD", "/keys?state=9", "").text.empty());
}

TEST_CASE("filter finds overdue keys and keys never rotated") {
  IbmWorld world(mixed_keys);
  auto const overdue =
      "/keys?filter=creationDate%3Dlt%3A%222026-01-01T00%3A00%3A00Z%22%20extractable%3Dfalse";
  CHECK(names(world.get(overdue)) == Names{"alpha"});
  CHECK(names(world.get("/keys?filter=lastRotateDate%3Dnone+extractable=false")) == Names{"beta", "delta"});
  CHECK(names(world.get("/keys?filter=lastRotateDate%3Dgte%3A%222020-01-01T00%3A00%3A00Z%22")) ==
        Names{"alpha"});
  CHECK(names(world.get("/keys?filter=state%3D2,5")) == Names{"delta", "old-alpha"});
  CHECK(names(world.get("/keys?filter=imported%3Dtrue")) == Names{"beta"});
}

TEST_CASE("A filter that says nothing, or something twice, is 400") {
  IbmWorld world(mixed_keys);
  for (std::string const query :
       {"filter=", "filter=colour%3Dred", "filter=state", "filter=creationDate%3Dlt%3Ayesterday",
        "filter=imported%3Dmaybe", "filter=state%3D1&state=1", "filter=extractable%3Dtrue&extractable=true",
        "filter=imported%3Dtrue%20imported%3Dtrue%20imported%3Dtrue%20imported%3Dtrue", "state=9",
        "extractable=yes", "sort=colour"}) {
    INFO(query);
    CHECK(world.get("/keys?" + query).code() == "INVALID_QUERY_PARAM_ERR");
  }
}

TEST_CASE("search looks at names and aliases, and says how it understood the query") {
  IbmWorld world(mixed_keys);
  CHECK(names(world.get("/keys?search=ALPH")) == Names{"alpha"});
  CHECK(names(world.get("/keys?search=exact%3Abeta")) == Names{"beta"});
  CHECK(names(world.get("/keys?search=exact%3Abet")) == Names{});
  CHECK(names(world.get("/keys?search=not%3Aalpha")) == Names{"beta", "gamma", "delta"});
  CHECK(names(world.get("/keys?search=letter")) == Names{"alpha"});
  CHECK(names(world.get("/keys?search=name%3Aletter")) == Names{});
  CHECK(names(world.get("/keys?search=escape%3Anot%3A")) == Names{});
  auto const reply = world.get("/keys?search=not%3Aname%3Aalpha");
  CHECK(reply.text_at("/metadata/searchQuery/query") == "alpha");
  CHECK(reply.text_at("/metadata/searchQuery/not") == "true");
  CHECK(reply.text_at("/metadata/searchQuery/scopes") == R"(["name"])");
}

TEST_CASE("A search through more than 5000 keys is refused") {
  IbmWorld world("[{ name: many, count: 5001 }]");
  CHECK(world.get("/keys?search=many").code() == "KEY_SEARCH_TOO_BROAD");
}

TEST_CASE("sort orders by several properties, downwards with a minus") {
  IbmWorld world(mixed_keys);
  auto const reply = world.get("/keys?sort=-extractable,creationDate");
  REQUIRE(reply.count() == 4);
  CHECK(reply.resource(0).at("name").as_string() == "gamma");
  CHECK(reply.resource(1).at("name").as_string() == "alpha");
  CHECK(reply.resource(3).at("name").as_string() == "beta");
}

TEST_CASE("An empty list has no resources member, an empty one, or null") {
  IbmWorld plain;
  auto const reply = plain.get("/keys");
  CHECK(reply.metadata().at("collectionTotal").as_int64() == 0);
  CHECK_FALSE(reply.body.as_object().contains("resources"));
  IbmWorld array("[]", "oddities: { empty_list: empty-array }");
  CHECK(array.get("/keys").body.at("resources").as_array().empty());
  IbmWorld null("[]", "oddities: { empty_list: explicit-null }");
  CHECK(null.get("/keys").body.at("resources").is_null());
}
