#include "tests/rehearsal/known_deks.hpp"

#include "storage/read_only.hpp"
#include "tests/rehearsal/known_state.hpp"
#include "tests/rehearsal/rehearse.hpp"
#include "tests/rehearsal/small_fleet.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <filesystem>

using namespace rekeyd;
using namespace rekeyd::rehearsal;
using rekeyd::test::SmallFleet;

namespace {

Instant at(char const* text) { return parse_rfc3339(text).value(); }

KeyRef const orders{ProviderName("ibm-prod"), VaultName("kp-main"),
                    KeyId("0b0b0b0b-0000-4000-8000-000000001001")};
KeyRef const ledger{ProviderName("azure-prod"), VaultName("payments-eu"), KeyId("cmk-ledger")};

boost::json::value rehearsed(SmallFleet const& fleet, std::size_t deks_max) {
  Order order;
  order.settings = fleet.settings();
  order.database = fleet.database();
  order.from = at("2026-11-22T00:00:00Z");
  order.months = 2;
  order.deks_max = deks_max;
  auto const told = rehearse(std::move(order), [](Instant, std::size_t) {});
  if (!told) FAIL(to_text(told.error()));
  return boost::json::parse(*told);
}

}  // namespace

TEST_CASE("wrapped DEKs are counted by key, and what is none is passed by", "[rehearsal]") {
  SmallFleet const fleet;
  fleet.write_deks(orders, 3);
  // Azure's names count in any case.
  fleet.write("deks/a/b/one.json",
              R"({"rekeyd_envelope": 1, "provider": "azure-prod", "vault": "Payments-EU", "key": "CMK-Ledger",
                 "key_version": "1", "wdek": "bm90aGluZw"})");
  fleet.write("deks/broken.json", "{");
  fleet.write("deks/notes.txt", "no envelope");
  fleet.write("deks/.hidden.json", "no envelope");
  fleet.write("deks/lost+found/lost.json", "no envelope");
  DekCounts const counts = count_deks(fleet.settings().dek_stores);
  CHECK(counts.unread.empty());
  CHECK(counts.of(orders) == 3);
  CHECK(counts.of(ledger) == 1);
  CHECK(counts.total() == 4);
}

TEST_CASE("a folder that is not there, or holds too many, is told", "[rehearsal]") {
  SmallFleet const fleet;
  DekCounts const none = count_deks(fleet.settings().dek_stores);
  REQUIRE(none.unread.size() == 1);
  CHECK_THAT(none.unread[0], Catch::Contains("store apps") && Catch::Contains(fleet.deks().string()));
  fleet.write_deks(orders, 9);
  DekCounts const many = count_deks(fleet.settings().dek_stores, 4);
  CHECK(many.of(orders) == 4);
  REQUIRE(many.unread.size() == 1);
  CHECK_THAT(many.unread[0], Catch::Contains("the rest is not counted"));
}

TEST_CASE("where there are very many the model has fewer, and says so", "[rehearsal]") {
  DekCounts counts;
  counts.by_key = {{"a", 900}, {"b", 99}, {"c", 1}};
  DekCounts const fewer = thinned_out(counts, 100);
  CHECK(fewer.by_key == std::map<std::string, std::size_t>{{"a", 90}, {"b", 9}, {"c", 1}});
  CHECK(thinned_out(counts, 1000).by_key == counts.by_key);

  SmallFleet const fleet;
  fleet.write_deks(orders, 20);
  auto const told = rehearsed(fleet, 5);
  CHECK(told.at("wdeks") == 20);
  CHECK(told.at("wdeks_modelled") == 5);
  REQUIRE(told.at("notes").as_array().size() == 1);
  CHECK_THAT(std::string(told.at("notes").as_array()[0].as_string()),
             Catch::Contains("5 of 20 wrapped DEKs are in the model"));
}

TEST_CASE("where their folder cannot be read, the journal tells how many were re-wrapped", "[rehearsal]") {
  SmallFleet const fleet;
  Rotation rotation;
  rotation.id = RotationId("8d6f3a52-0000-4000-8000-00000000000c");
  rotation.key = orders;
  rotation.state = RotationState::done;
  rotation.step = Step::verify;
  rotation.opened = rotation.updated = at("2026-08-31T00:00:00Z");
  rotation.ended = rotation.opened;
  storage::Change change;
  change.rotations = {rotation};
  for (char const* dek : {"one.json", "two.json", "two.json"}) {
    storage::PreviousDek previous;
    previous.store = DekStoreName("apps");
    previous.before = {DekId(dek), orders, VersionId("1"), "", "bm90aGluZw", {}};
    previous.after_version = VersionId("2");
    previous.rotation = rotation.id;
    change.previous_deks.push_back(previous);
  }
  fleet.record(change);
  auto const told = rehearsed(fleet, 100);
  CHECK(told.at("wdeks") == 2);
  CHECK(told.at("summary").at("wdeks_moved") == 2);
  CHECK(told.at("notes").as_array().size() == 2);
}
