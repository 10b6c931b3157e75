#include "tests/contract/ibm/ibm_world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <set>

using namespace rekeyd::sim::ibm;
using namespace rekeyd::sim;

namespace {
std::string const aged = fmt::format(
    "[{{ name: aged, id: {}, created: 14 months ago, versions: 5, registrations: "
    "[{{ crn: 'crn:v1:bluemix:public:is:us-south-1:a/1::volume:v' }}] }}]",
    root);
}

TEST_CASE("Dates come in three formats, alone or mixed, and mean the same") {
  auto const dates = [](std::string const& format) {
    IbmWorld world(aged, "oddities: { dates: " + format + " }");
    auto const reply = world.get(std::string("/keys/") + root + "/versions");
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < reply.count(); ++i) {
      texts.emplace_back(reply.resource(i).at("creationDate").as_string());
    }
    return texts;
  };
  auto const zulu = dates("zulu");
  REQUIRE(zulu.size() == 5);
  CHECK(zulu.front().ends_with("Z"));
  CHECK(dates("offset").front().ends_with("+0000"));
  CHECK(dates("fractions").front().ends_with(".123456+00:00"));
  for (std::string const format : {"offset", "fractions", "mixed"}) {
    auto const others = dates(format);
    for (std::size_t i = 0; i < zulu.size(); ++i) {
      CHECK(rekeyd::parse_rfc3339(others[i]) == rekeyd::parse_rfc3339(zulu[i]));
    }
  }
  std::set<std::size_t> lengths;
  IbmWorld world("[{ name: many, count: 9 }]", "oddities: { dates: mixed }");
  for (int i = 0; i < 3; ++i) {
    lengths.insert(
        world.post("/keys", envelope(R"({"name":"new"})")).text_at("/resources/0/creationDate").size());
    world.pass(std::chrono::seconds(1));
  }
  CHECK(lengths.size() == 3);
}

TEST_CASE("Versions can come oldest first or in no order") {
  auto const ids = [](std::string const& order) {
    IbmWorld world(aged, "oddities: { version_order: " + order + " }");
    auto const reply = world.get(std::string("/keys/") + root + "/versions");
    std::vector<std::string> result;
    for (std::size_t i = 0; i < reply.count(); ++i)
      result.emplace_back(reply.resource(i).at("id").as_string());
    return result;
  };
  auto newest = ids("newest-first");
  auto const oldest = ids("oldest-first");
  CHECK(oldest.front() == root);
  CHECK(std::vector(newest.rbegin(), newest.rend()) == oldest);
  auto const shuffled = ids("shuffled");
  CHECK(std::set(shuffled.begin(), shuffled.end()) == std::set(oldest.begin(), oldest.end()));
}

TEST_CASE("The first version's id need not be the key's") {
  IbmWorld world(fmt::format("[{{ name: fresh, id: {} }}]", root),
                 "oddities: { first_version_is_key_id: false }");
  CHECK(world.current_version(root) != root);
  auto const made = world.create_root_key();
  CHECK(world.current_version(made) != made);
}

TEST_CASE("Error bodies can lack reasons or their status, and codes can begin with a blank") {
  auto const missing_key = [](std::string const& oddity) {
    IbmWorld world("[]", "oddities: { " + oddity + " }");
    return world.get("/keys/none");
  };
  CHECK(missing_key("code_with_leading_blank: true").code() == " KEY_NOT_FOUND_ERR");
  auto const bare = missing_key("reasons_missing: true");
  CHECK(bare.status == 404);
  CHECK_FALSE(bare.resource().contains("reasons"));
  CHECK(bare.resource().contains("errorMsg"));
  auto const without_status = missing_key("reason_status_missing: true");
  CHECK(without_status.code() == "KEY_NOT_FOUND_ERR");
  CHECK(without_status.text_at("/resources/0/reasons/0/status").empty());
}

TEST_CASE("Registrations can come without their key version") {
  IbmWorld world(aged, "oddities: { registrations_without_version: true }");
  CHECK_FALSE(world.get(std::string("/keys/") + root + "/registrations").resource().contains("keyVersion"));
}
