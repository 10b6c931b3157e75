#include "providers/dek/envelope_directory.hpp"

#include "tests/providers/dek/envelope_folder.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

using namespace rekeyd;
using namespace rekeyd::providers;

namespace {

std::unique_ptr<DekStore> open_store(std::filesystem::path const& root) {
  auto store = make_envelope_directory(DekStoreName("payments"), root);
  REQUIRE(store.has_value());
  return std::move(*store);
}

std::vector<std::string> ids(std::vector<WrappedDek> const& deks) {
  std::vector<std::string> all;
  for (WrappedDek const& dek : deks) all.push_back(dek.id.str());
  return all;
}

}  // namespace

TEST_CASE("walking shows each WDEK of the key with its path as id", "[threads]") {
  EnvelopeFolder const folder;
  folder.write("in/a.json", envelope_text(ledger_key(), "v1", "b2xk"));
  auto const store = open_store(folder.path());
  CHECK(store->name().str() == "payments");
  CHECK(walk_all(*store, ledger_key()) == std::vector{dek("in/a.json", ledger_key(), "v1", "b2xk")});
  CHECK(walk_all(*store, {ProviderName("azure-prod"), VaultName("payments-eu"), KeyId("other")}).empty());
}

TEST_CASE("pages are as long as was asked, in path order, and end", "[threads]") {
  EnvelopeFolder const folder;
  for (int i = 0; i < 7; ++i)
    folder.write(fmt::format("{}.json", i), envelope_text(ledger_key(), "v1", "b2xk"));
  auto const store = open_store(folder.path());
  auto const first = walk_page(*store, ledger_key(), "", 3);
  REQUIRE(first.has_value());
  CHECK(ids(first->deks) == std::vector<std::string>{"0.json", "1.json", "2.json"});
  auto const second = walk_page(*store, ledger_key(), first->next, 3);
  REQUIRE(second.has_value());
  CHECK(ids(second->deks) == std::vector<std::string>{"3.json", "4.json", "5.json"});
  auto const again = walk_page(*store, ledger_key(), first->next, 3);
  REQUIRE(again.has_value());
  CHECK(again->deks == second->deks);
  auto const third = walk_page(*store, ledger_key(), second->next, 3);
  REQUIRE(third.has_value());
  CHECK(ids(third->deks) == std::vector<std::string>{"6.json"});
  CHECK(third->next.empty());
  CHECK(walk_all(*store, ledger_key(), 0).size() == 7);
}

TEST_CASE("what is left behind on an older version is counted by what the files hold now", "[threads]") {
  EnvelopeFolder const folder;
  for (int i = 0; i < 3; ++i)
    folder.write(fmt::format("{}.json", i), envelope_text(ledger_key(), "v1", "b2xk"));
  folder.write("3.json", envelope_text(ledger_key(), "v2", "bmV3"));
  auto const store = open_store(folder.path());
  CHECK(left_behind(*store, ledger_key(), "v2") == 3U);
  CHECK(left_behind(*store, ledger_key(), "v1") == 1U);
  for (auto const& result : replace_all(*store, {old_to_new("0.json"), old_to_new("1.json")}))
    REQUIRE(result);
  CHECK(left_behind(*store, ledger_key(), "v2") == 1U);
  folder.write("2.json", envelope_text(ledger_key(), "v2", "b3duIA"));
  folder.write("in/4.json", envelope_text(ledger_key(), "v0", "bGF0ZQ"));
  CHECK(left_behind(*store, ledger_key(), "v2") == 1U);
  std::filesystem::remove(folder / "in/4.json");
  CHECK(left_behind(*store, ledger_key(), "v2") == 0U);
  CHECK(left_behind(*store, {ProviderName("azure-prod"), VaultName("payments-eu"), KeyId("other")}, "v2") ==
        0U);
}

TEST_CASE("what cannot be listed may hold more that is left behind", "[threads]") {
  EnvelopeFolder const folder;
  auto const store = open_store(folder / "not-there");
  auto const count = left_behind(*store, ledger_key(), "v2");
  REQUIRE_FALSE(count);
  CHECK_FALSE(count.error().what.empty());
}

TEST_CASE("a rehearsal changes nothing and leaves nothing behind", "[threads]") {
  EnvelopeFolder const folder;
  std::string const text = envelope_text(ledger_key(), "v1", "b2xk");
  for (char const* const name : {"a.json", "b.json", "in/c.json", "in/deep/d.json"}) folder.write(name, text);
  folder.write("letter.txt", "not ours");
  auto const store = open_store(folder.path());
  auto const before = folder.files();
  CHECK(rehearse(*store, ledger_key()));
  CHECK(folder.files() == before);
  for (char const* const name : {"a.json", "b.json", "in/c.json", "in/deep/d.json"}) {
    CHECK(folder.read(name) == text);
  }
  CHECK(walk_all(*store, ledger_key()).size() == 4);
  CHECK(rehearse(*store, {ProviderName("azure-prod"), VaultName("payments-eu"), KeyId("other")}));
}

TEST_CASE("a rehearsal finds a folder that is not there", "[threads]") {
  EnvelopeFolder const folder;
  auto const store = open_store(folder / "gone");
  auto const refused = rehearse(*store, ledger_key());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().where.contains("gone"));
}

TEST_CASE("a rehearsal finds the one folder below whose files could not keep their owner", "[threads]") {
  if (::geteuid() != 0) return;  // Only root may give files away.
  EnvelopeFolder const folder;
  for (char const* const name : {"a/1.json", "b/1.json"}) {
    folder.write(name, envelope_text(ledger_key(), "v1", "b2xk"));
    REQUIRE(::chmod((folder / name).c_str(), 0644) == 0);
  }
  for (char const* const name : {"", "a", "b", "a/1.json"}) {
    REQUIRE(::chown((folder / name).c_str(), 65534, ::getegid()) == 0);
  }
  auto const store = open_store(folder.path());
  auto const before = folder.files();
  REQUIRE(::seteuid(65534) == 0);
  auto const refused = rehearse(*store, ledger_key());
  REQUIRE(::seteuid(0) == 0);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what.starts_with("cannot keep the owner 0:"));
  CHECK(refused.error().where.ends_with("b/1.json"));
  CHECK(refused.error().error_class != ErrorClass::permanent);  // It goes on by itself once mended.
  CHECK(folder.files() == before);
}

TEST_CASE("a walk goes on over files that are replaced, vanish or change hands between its pages",
          "[threads]") {
  EnvelopeFolder const folder;
  for (int i = 0; i < 6; ++i)
    folder.write(fmt::format("{}.json", i), envelope_text(ledger_key(), "v1", "b2xk"));
  auto const store = open_store(folder.path());
  auto const first = walk_page(*store, ledger_key(), "", 2);
  REQUIRE(first.has_value());
  for (auto const& result : replace_all(*store, {old_to_new("0.json"), old_to_new("1.json")}))
    REQUIRE(result);
  std::filesystem::remove(folder / "2.json");
  folder.write("3.json", envelope_text({ProviderName("p"), VaultName("v"), KeyId("k")}, "v1", "b2xk"));
  folder.write("4.json", "cut off");
  auto const rest = walk_page(*store, ledger_key(), first->next, 10);
  REQUIRE(rest.has_value());
  CHECK(ids(rest->deks) == std::vector<std::string>{"5.json"});
  CHECK(rest->next.empty());
  CHECK(ids(walk_all(*store, ledger_key())) == std::vector<std::string>{"0.json", "1.json", "5.json"});
  REQUIRE(store->defects().size() == 1);
  CHECK(store->defects()[0].place == (folder / "4.json").native() + ":1");
}

TEST_CASE("a WDEK whose key is written in other letters is shown under the key that was asked for",
          "[threads]") {
  EnvelopeFolder const folder;
  KeyRef const upper{ProviderName("azure-prod"), VaultName("Payments-EU"), KeyId("CMK-Ledger")};
  folder.write("a.json", envelope_text(upper, "v1", "b2xk"));
  auto const store = open_store(folder.path());
  REQUIRE(walk_all(*store, ledger_key()) == std::vector{dek("a.json", ledger_key(), "v1", "b2xk")});
  for (auto const& result : replace_all(*store, {old_to_new("a.json")})) REQUIRE(result);
  CHECK(folder.read("a.json") == envelope_text(upper, "v2", "bmV3"));
}

TEST_CASE("defects are known from the start", "[threads]") {
  EnvelopeFolder const folder;
  folder.write("a.json", "[]");
  CHECK(open_store(folder.path())->defects().size() == 1);
}

TEST_CASE("a store on a folder that is not there yet works once it is", "[threads]") {
  EnvelopeFolder const folder;
  auto const store = open_store(folder / "later");
  auto const missing = walk_page(*store, ledger_key(), "", 10);
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().error_class == ErrorClass::not_found);
  CHECK(missing.error().where == (folder / "later").native());
  CHECK(store->defects().size() == 1);
  CHECK_FALSE(replace_all(*store, {old_to_new("a.json")})[0].has_value());
  folder.write("later/a.json", envelope_text(ledger_key(), "v1", "b2xk"));
  CHECK(walk_all(*store, ledger_key()).size() == 1);
  CHECK(store->defects().empty());
}

TEST_CASE("a path that can never work is refused with what to do", "[threads]") {
  EnvelopeFolder const folder;
  folder.write("file", "x");
  auto const relative = make_envelope_directory(DekStoreName("payments"), "some/folder");
  REQUIRE_FALSE(relative.has_value());
  CHECK(relative.error().what == "dek store \"payments\": the path is not absolute");
  auto const file = make_envelope_directory(DekStoreName("payments"), folder / "file");
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().what == "dek store \"payments\": not a folder");
  CHECK_FALSE(file.error().remedy.empty());
}

TEST_CASE("what a crash left is removed at the start, and nothing else is", "[threads]") {
  EnvelopeFolder const folder;
  folder.write("in/a.json", envelope_text(ledger_key(), "v1", "b2xk"));
  folder.write("in/.rekeyd-dek-0000002a-0000000000000001.tmp", "half");
  folder.write(".rekeyd-dek-0000002a-0000000000000002.tmp", "half");
  folder.write(".rekeyd-dek-notes.tmp", "the application's");
  folder.write(".rekeyd-dek-0000002a-000000000000000g.tmp", "the application's");
  folder.write(".rekeyd-dek-0000002a-0000000000000001.tmp.json", "the application's");
  auto const store = open_store(folder.path());
  CHECK(folder.files() == std::vector<std::string>{".rekeyd-dek-0000002a-0000000000000001.tmp.json",
                                                   ".rekeyd-dek-0000002a-000000000000000g.tmp",
                                                   ".rekeyd-dek-notes.tmp", "in/a.json"});
}
