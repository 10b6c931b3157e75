#include "storage/verify.hpp"
#include "tests/storage/child.hpp"
#include "tests/storage/samples.hpp"
#include "tests/storage/scratch.hpp"

#include <catch2/catch.hpp>

#include <csignal>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rekeyd::storage::test {

namespace {

Change small_change(int number) {
  Change change;
  change.keys = {stored_key(ledger())};
  change.keys[0].key.name = "change " + std::to_string(number);
  change.events = {full_event(moment(number))};
  return change;
}

/// About 1 MiB.
Change big_change() {
  Change change = small_change(1);
  for (int i = 0; i < 1000; ++i) {
    StoredKey stored = stored_key({ProviderName("p"), VaultName("v"), KeyId("k" + std::to_string(i))});
    stored.key.tags["note"] = std::string(700, 'x');
    change.keys.push_back(stored);
    change.events.push_back(full_event(moment(i)));
  }
  return change;
}

/// "well" if the store is exactly as after the last good commit, can be written again and verifies; else what
/// not.
std::string whole_and_well(Store& store, std::filesystem::path const& database, std::int64_t events) {
  auto const head = store.history_head();
  if (!head || head->sequence != events) return "the history is not what it was";
  auto const keys = store.keys();
  if (!keys || keys->size() != 1) return "the keys are not what they were";
  auto const again = store.commit(small_change(2));
  if (!again) return "writing again: " + to_text(again.error());
  auto const report = verify(database);
  if (!report) return "verify: " + to_text(report.error());
  if (!report->sound()) return "verify: " + report->findings.at(0).what;
  return report->events == events + 1 ? "well" : "verify counts other events";
}

Result<std::unique_ptr<Store>> open_store(std::filesystem::path const& path) {
  OpenOptions options;
  options.path = path;
  return open_sqlite_store(options);
}

/// Commits small changes until one is refused with `code`; the number of good ones, or -1 for another error.
int fill_up(Store& store, std::string const& code) {
  for (int i = 0; i < 100'000; ++i) {
    auto const committed = store.commit(small_change(i));
    if (!committed) return committed.error().code == code ? i : -1;
  }
  return -1;
}

/// On a file system of 2 MiB in a mount namespace of this process.
std::string live_on_a_small_disk(std::filesystem::path const& folder) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=2m") != 0) {
    return "no mounts here";
  }
  auto const database = folder / "rekeyd.db";
  auto store = open_store(database).value();
  if (auto const first = store->commit(small_change(0)); !first) return to_text(first.error());
  auto const filler = folder / "filler";
  int const descriptor = ::open(filler.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  std::string const block(4096, 'x');
  while (::write(descriptor, block.data(), block.size()) > 0) continue;
  ::close(descriptor);
  int const good = fill_up(*store, "SQLITE_FULL");
  if (good < 0) return "the disk was not full, or the error was another";
  auto const refused = store->commit(big_change());
  if (refused || refused.error().remedy.find("free space") == std::string::npos) return "no word of the disk";
  std::filesystem::remove(filler);
  return whole_and_well(*store, database, 1 + good);
}

std::string live_under_a_file_size_limit(std::filesystem::path const& database) {
  ::signal(SIGXFSZ, SIG_IGN);
  auto store = open_store(database).value();
  if (auto const first = store->commit(small_change(0)); !first) return to_text(first.error());
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  rlimit const unlimited = limit;
  limit.rlim_cur = 300UL * 1024;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  auto const refused = store->commit(big_change());
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  if (refused) return "the commit was not refused";
  if (refused.error().code != "SQLITE_IOERR_WRITE" && refused.error().code != "SQLITE_FULL") {
    return to_text(refused.error());
  }
  return whole_and_well(*store, database, 1);
}

}  // namespace

TEST_CASE("a change that does not fit leaves nothing half-done and a smaller one still works") {
  Scratch scratch;
  OpenOptions options;
  options.path = scratch.database();
  options.pages_max = 60;
  auto const store = open_sqlite_store(options).value();
  commit_or_fail(*store, small_change(0));
  auto const refused = store->commit(big_change());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "SQLITE_FULL");
  CHECK(refused.error().error_class == ErrorClass::storage);
  CHECK(refused.error().where == scratch.database().string());
  CHECK(refused.error().remedy.find("free space") != std::string::npos);
  CHECK(whole_and_well(*store, scratch.database(), 1) == "well");
}

TEST_CASE("a database that was full works again when there is room") {
  Scratch scratch;
  OpenOptions options;
  options.path = scratch.database();
  options.pages_max = 60;
  int good = 0;
  {
    auto const store = open_sqlite_store(options).value();
    good = fill_up(*store, "SQLITE_FULL");
    REQUIRE(good > 0);
  }
  auto const store = open_or_fail(scratch.database());
  CHECK(whole_and_well(*store, scratch.database(), good) == "well");
  commit_or_fail(*store, big_change());
}

TEST_CASE("a new database on a full disk is an error and a later start works") {
  Scratch scratch;
  OpenOptions options;
  options.path = scratch.database();
  options.pages_max = 3;
  auto const refused = open_sqlite_store(options);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == "SQLITE_FULL");
  commit_or_fail(*open_or_fail(scratch.database()), full_change());
}

TEST_CASE("a disk that is really full stops nothing but the commit") {
  if (!is_root()) {
    WARN("skipped: needs root to mount a small file system");
    return;
  }
  Scratch scratch;
  std::string const answer = in_child([&] { return live_on_a_small_disk(scratch.folder()); });
  if (answer == "no mounts here") {
    WARN("skipped: this place allows no mounts");
    return;
  }
  CHECK(answer == "well");
}

TEST_CASE("a write that the system refuses stops nothing but the commit") {
  Scratch scratch;
  CHECK(in_child([&] { return live_under_a_file_size_limit(scratch.database()); }) == "well");
}

}  // namespace rekeyd::storage::test
