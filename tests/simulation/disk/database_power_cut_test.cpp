#include "storage/read_only.hpp"
#include "storage/sqlite_store.hpp"
#include "storage/verify.hpp"
#include "tests/simulation/disk/simulated_disk.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <memory>

using namespace rekeyd;
using simulation::SimulatedDisk;

namespace {

KeyRef const ledger{ProviderName("azure-prod"), VaultName("payments"), KeyId("cmk-ledger")};

/// A change whose size differs from one to the next, so that transactions have one page or many.
storage::Change change(std::uint64_t number, std::uint64_t size) {
  storage::Change made;
  storage::StoredKey key;
  key.key.ref = ledger;
  key.key.tags = {{"number", std::to_string(number)}};
  made.keys.push_back(std::move(key));
  for (std::uint64_t i = 0; i < size; ++i) {
    HistoryEvent event;
    event.kind = EventKind::key_changed;
    event.key = ledger;
    event.sentence =
        fmt::format("event {} of change {}, {:>200}", i, number, "with something to fill a page");
    made.events.push_back(std::move(event));
  }
  return made;
}

/// One disk, one database, and what the program was told is safe.
class Machine {
 public:
  explicit Machine(std::uint64_t seed) : disk(seed), chance_(seed) {}

  /// Opens and commits until the disk dies, then cuts the power.
  void live() {
    disk.die_at(disk.operations() + 1 + chance_.below(120));
    auto store = storage::open_sqlite_store({.path = database(), .vfs = disk.vfs()});
    while (store && !disk.dead()) {
      std::uint64_t const size = 1 + chance_.below(12);
      last_change_ = size;
      if ((*store)->commit(change(sequence_, size))) {
        sequence_ += size;
        last_change_ = 0;
      }
    }
    if (!store && !disk.dead()) refused_ = to_text(store.error());
    // A program that dies closes nothing, but this one has to give its memory back.
    if (store) store->reset();
    disk.power_cut();
  }

  /// What is wrong with what is left; empty: nothing.
  std::string broken() {
    if (!refused_.empty()) return refused_;
    auto const report = storage::verify(database(), {.vfs = disk.vfs()});
    // Cut off before the tables were there: nothing was promised yet, and the next life makes them.
    if (sequence_ == 0 && (!report || !report->sound())) return {};
    if (!report) return "cannot be read: " + to_text(report.error());
    if (!report->sound()) return report->findings[0].what;
    auto const last = static_cast<std::uint64_t>(report->last_sequence);
    if (last < sequence_) return fmt::format("event {} was safe, and {} is the last", sequence_, last);
    if (last != sequence_ && last != sequence_ + last_change_) {
      return fmt::format("{} events are there of a change of {}", last - sequence_, last_change_);
    }
    sequence_ = last;
    return {};
  }

  SimulatedDisk disk;

 private:
  std::filesystem::path database() const { return disk.root() / "rekeyd.db"; }

  test::SeededRandom chance_;
  std::string refused_;
  std::uint64_t sequence_{0};
  std::uint64_t last_change_{0};
};

}  // namespace

TEST_CASE("after a power cut at any moment the database is sound and holds every change that was confirmed") {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Machine machine(seed);
    for (int life = 0; life < 4; ++life) {
      machine.live();
      std::string const broken = machine.broken();
      INFO("seed " << seed << ", life " << life);
      REQUIRE_THAT(broken, Catch::Equals(""));
    }
  }
}

TEST_CASE("a disk that lies about syncing is found out") {
  int found = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Machine machine(seed);
    machine.disk.lies_about_sync(true);
    bool broken = false;
    for (int life = 0; life < 8 && !broken; ++life) {
      machine.live();
      broken = !machine.broken().empty();
    }
    if (broken) ++found;
  }
  // About half of them: the others lose only what nobody had been promised. Which, hangs on the schema's
  // size.
  CHECK(found > 10);
}

TEST_CASE("a process that is killed on a machine that goes on loses nothing that was confirmed") {
  SimulatedDisk disk(7);
  disk.lies_about_sync(true);  // Which only a power cut could show.
  auto const database = disk.root() / "rekeyd.db";
  auto store = storage::open_sqlite_store({.path = database, .vfs = disk.vfs()});
  REQUIRE(store);
  REQUIRE((*store)->commit(change(0, 3)));
  disk.kill_process();
  store->reset();
  auto const report = storage::verify(database, {.vfs = disk.vfs()});
  REQUIRE(report);
  CHECK(report->sound());
  CHECK(report->events == 3);
}

TEST_CASE("a full disk refuses a change whole, and takes it when there is room") {
  SimulatedDisk disk(3);
  auto store = storage::open_sqlite_store({.path = disk.root() / "rekeyd.db", .vfs = disk.vfs()});
  REQUIRE(store);
  REQUIRE((*store)->commit(change(0, 2)));
  disk.full(true);
  auto const refused = (*store)->commit(change(1, 500));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "SQLITE_FULL");
  CHECK((*store)->history_head()->sequence == 2);
  disk.full(false);
  REQUIRE((*store)->commit(change(1, 500)));
  CHECK((*store)->history_head()->sequence == 502);
}

TEST_CASE("readers see what is committed beside the writer, and nothing of it is counted as an operation") {
  SimulatedDisk disk(5);
  auto const database = disk.root() / "rekeyd.db";
  auto store = storage::open_sqlite_store({.path = database, .vfs = disk.vfs()});
  REQUIRE(store);
  auto reader = storage::open_read_only(database, disk.vfs());
  if (!reader) FAIL(to_text(reader.error()));
  REQUIRE((*store)->commit(change(0, 2)));
  auto const before = disk.operations();
  CHECK((*reader)->history_head()->sequence == 2);
  CHECK(disk.operations() == before);
}

TEST_CASE("two daemons do not share a state folder on a simulated disk either") {
  SimulatedDisk disk(9);
  storage::OpenOptions const options{.path = disk.root() / "rekeyd.db", .vfs = disk.vfs()};
  auto first = storage::open_sqlite_store(options);
  REQUIRE(first);
  auto const second = storage::open_sqlite_store(options);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == "already_running");
  disk.kill_process();
  first->reset();
  CHECK(storage::open_sqlite_store(options));
}

TEST_CASE("the same seed and the same work leave the same bytes") {
  auto const lived = [](std::uint64_t seed) {
    Machine machine(seed);
    for (int life = 0; life < 3; ++life) machine.live();
    return std::pair(machine.disk.text_of(machine.disk.root() / "rekeyd.db"), machine.disk.operations());
  };
  CHECK(lived(11) == lived(11));
  CHECK(lived(11) != lived(12));
}
