#include "providers/dek/batch_flush.hpp"
#include "providers/dek/envelope_directory.hpp"
#include "tests/simulation/disk/simulated_disk.hpp"
#include "tests/support/run_coroutine.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <map>

#include <sys/stat.h>

using namespace rekeyd;
using namespace rekeyd::providers;
using simulation::SimulatedDisk;

namespace {

KeyRef const ledger{ProviderName("azure-prod"), VaultName("payments"), KeyId("cmk-ledger")};
constexpr int few = 6;
/// So many are brought to the disk together.
constexpr int many = 2 * static_cast<int>(BatchFlush::files_min);

std::string envelope(std::string_view version, std::string_view ciphertext) {
  return fmt::format(
      R"({{"rekeyd_envelope": 1, "provider": "azure-prod", "vault": "payments", "key": "cmk-ledger", )"
      R"("key_version": "{}", "wdek": "{}"}})"
      "\n",
      version, ciphertext);
}

std::string const old_text = envelope("v1", "b2xk");
std::string const new_text = envelope("v2", "bmV3");

WrappedDek dek(std::string id, char const* version, char const* ciphertext) {
  WrappedDek made;
  made.id = DekId(std::move(id));
  made.key = ledger;
  made.version = VersionId(version);
  made.ciphertext = ciphertext;
  return made;
}

std::vector<Result<void>> replace_all(DekStore& store, std::vector<DekReplacement> batch) {
  boost::asio::io_context io{1};
  return test::run_coroutine(io, store.replace(std::move(batch)));
}

/// Envelopes in two folders, moved to a new version and back until the disk dies.
class Application {
 public:
  explicit Application(std::uint64_t seed, int envelopes = few)
      : disk(seed), envelopes_(envelopes), chance_(seed) {
    disk.make_folder(root() / "inner");
    for (auto const& name : names()) disk.put(root() / name, old_text);
  }

  std::filesystem::path root() const { return disk.root() / "envelopes"; }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (int i = 0; i < envelopes_; ++i)
      all.push_back(fmt::format("{}{}.json", i % 2 == 0 ? "" : "inner/", i));
    return all;
  }

  /// All of them from the first version to the new one.
  std::vector<DekReplacement> to_new() const {
    std::vector<DekReplacement> batch;
    for (auto const& name : names())
      batch.push_back({.before = dek(name, "v1", "b2xk"), .after = dek(name, "v2", "bmV3")});
    return batch;
  }

  void live() {
    disk.die_at(disk.operations() + 1 + chance_.below(35 * static_cast<std::uint64_t>(envelopes_)));
    auto store = make_envelope_directory(DekStoreName("payments"), root(), 1);
    // A disk that has lost what it confirmed may leave nothing that could be replaced.
    for (std::uint64_t before = 1, done = 0; store && !disk.dead() && done != before;) {
      before = disk.operations();
      std::vector<DekReplacement> batch;
      for (auto const& name : names()) {
        bool const is_new = disk.text_of(root() / name) == new_text;
        auto old = is_new ? dek(name, "v2", "bmV3") : dek(name, "v1", "b2xk");
        auto after = is_new ? dek(name, "v1", "b2xk") : dek(name, "v2", "bmV3");
        batch.push_back({.before = std::move(old), .after = std::move(after)});
      }
      confirmed_.clear();
      auto const results = replace_all(**store, batch);
      for (std::size_t i = 0; i < results.size(); ++i) {
        if (results[i]) confirmed_[names()[i]] = batch[i].after.version.str() == "v2" ? new_text : old_text;
      }
      done = disk.operations();
    }
    disk.power_cut();
  }

  /// The envelopes that a new life finds on the new version.
  std::vector<std::string> moved() const {
    auto store = make_envelope_directory(DekStoreName("payments"), root(), 1);
    boost::asio::io_context io{1};
    auto const page = test::run_coroutine(io, (*store)->walk(ledger, "", 100));
    std::vector<std::string> names;
    for (WrappedDek const& found : page->deks) {
      if (found.version == VersionId("v2")) names.push_back(found.id.str());
    }
    return names;
  }

  /// An envelope that is neither the old nor the new one, or not the confirmed one; empty: none.
  std::string broken() {
    for (auto const& name : names()) {
      auto const text = disk.text_of(root() / name);
      if (!text) return name + " is gone";
      if (*text != old_text && *text != new_text) return fmt::format("{} holds '{}'", name, *text);
      if (confirmed_.contains(name) && *text != confirmed_[name]) return name + " is not what was confirmed";
    }
    return {};
  }

  SimulatedDisk disk;

 private:
  int envelopes_;
  test::SeededRandom chance_;
  std::map<std::string, std::string> confirmed_;
};

}  // namespace

TEST_CASE("after a power cut at any moment every envelope is the old or the new one, whole") {
  int const envelopes = GENERATE(few, many);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Application application(seed, envelopes);
    for (int life = 0; life < 4; ++life) {
      application.live();
      INFO("seed " << seed << ", life " << life);
      REQUIRE_THAT(application.broken(), Catch::Equals(""));
      auto store = make_envelope_directory(DekStoreName("payments"), application.root(), 1);
      REQUIRE(store);
      CHECK((*store)->defects().empty());
      for (auto const& name : application.disk.names_in(application.root())) CHECK(name.ends_with(".json"));
    }
  }
}

TEST_CASE("what a later life reads as moved stays moved, though the mover died before it flushed the names") {
  std::size_t moved_in_time = 0;
  for (std::uint64_t operation = 1; operation < 40; ++operation) {
    Application application(operation);
    SimulatedDisk& disk = application.disk;
    auto store = make_envelope_directory(DekStoreName("payments"), application.root(), 1);
    disk.die_at(disk.operations() + operation);
    replace_all(**store, application.to_new());
    if (!disk.dead()) break;
    disk.kill_process();

    std::vector<std::string> const read_as_moved = application.moved();
    moved_in_time += read_as_moved.size();
    disk.power_cut();
    INFO("died at operation " << operation);
    for (std::string const& name : read_as_moved) CHECK(disk.text_of(application.root() / name) == new_text);
  }
  CHECK(moved_in_time > 20);
}

TEST_CASE("a rename without fsync before it loses an envelope's content") {
  int const envelopes = GENERATE(few, many);
  int found = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Application application(seed, envelopes);
    application.disk.leaves_out_fsync(true);
    bool broken = false;
    for (int life = 0; life < 4 && !broken; ++life) {
      application.live();
      broken = !application.broken().empty();
    }
    if (broken) ++found;
  }
  CHECK(found > 20);
}

TEST_CASE("a disk that lies about syncing loses envelopes that were confirmed") {
  int found = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Application application(seed);
    application.disk.lies_about_sync(true);
    for (int life = 0; life < 3; ++life) application.live();
    if (!application.broken().empty()) ++found;
  }
  CHECK(found > 20);
}

TEST_CASE("many envelopes are brought to the disk with one wait, a few each by itself") {
  auto const operations_for = [](int envelopes) {
    Application application(1, envelopes);
    auto store = make_envelope_directory(DekStoreName("payments"), application.root(), 1);
    std::uint64_t const before = application.disk.operations();
    for (auto const& result : replace_all(**store, application.to_new())) REQUIRE(result);
    return static_cast<int>(application.disk.operations() - before);
  };
  constexpr int folders = 2;
  // Made, given its mode, written, renamed.
  CHECK(operations_for(few) == few * (4 + 1) + folders);
  CHECK(operations_for(many) == many * 4 + 1 + folders);
}

TEST_CASE("a full disk leaves the old envelope, and nothing beside it") {
  Application application(1);
  auto store = make_envelope_directory(DekStoreName("payments"), application.root(), 1);
  REQUIRE(store);
  application.disk.full(true);
  std::vector<DekReplacement> batch{
      {.before = dek("0.json", "v1", "b2xk"), .after = dek("0.json", "v2", "bmV3")}};
  auto const refused = replace_all(**store, batch);
  REQUIRE_FALSE(refused.at(0));
  CHECK(refused[0].error().what.find("No space left") != std::string::npos);
  CHECK(application.disk.text_of(application.root() / "0.json") == old_text);
  application.disk.full(false);
  CHECK(replace_all(**store, batch).at(0));
  CHECK(application.disk.text_of(application.root() / "0.json") == new_text);
  CHECK(application.disk.names_in(application.root()).size() == few / 2);
}

TEST_CASE("an envelope keeps its mode over a power cut") {
  Application application(1);
  auto const file = application.root() / "0.json";
  REQUIRE(::chmod(file.c_str(), 0640) == 0);
  auto store = make_envelope_directory(DekStoreName("payments"), application.root(), 1);
  std::vector<DekReplacement> batch{
      {.before = dek("0.json", "v1", "b2xk"), .after = dek("0.json", "v2", "bmV3")}};
  REQUIRE(replace_all(**store, batch).at(0));
  application.disk.power_cut();
  struct stat status{};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}
