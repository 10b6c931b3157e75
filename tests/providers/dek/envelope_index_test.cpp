#include "providers/dek/envelope_index.hpp"

#include "tests/providers/dek/envelope_folder.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <chrono>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace rekeyd;
using namespace rekeyd::providers;

namespace {

KeyRef key_number(int n) {
  return {ProviderName("ibm-prod"), VaultName("kp-1"), KeyId(fmt::format("key-{}", n))};
}

std::vector<std::string> files_of(EnvelopeIndex const& index, KeyRef const& key) {
  return index.files_of(key, "", 1000);
}

using Paths = std::vector<std::string>;

/// Makes every stamp so far older than the newest one seen, as the next change anywhere does by itself.
void let_time_stamps_move_on(EnvelopeFolder const& folder) {
  struct stat before{};
  struct stat now{};
  folder.write("clock.json", "{}");
  REQUIRE(::stat((folder / "clock.json").c_str(), &before) == 0);
  do {
    folder.write("clock.json", "{}");
    REQUIRE(::stat((folder / "clock.json").c_str(), &now) == 0);
  } while (identity_of(now).changed == identity_of(before).changed);
}

}  // namespace

TEST_CASE("files are found by their key, in path order, in sub-folders too") {
  EnvelopeFolder const folder;
  folder.write("b.json", envelope_text(key_number(1), "v1", "AA"));
  folder.write("a/x.json", envelope_text(key_number(1), "v1", "AA"));
  folder.write("a/deep/y.json", envelope_text(key_number(1), "v1", "AA"));
  folder.write("c.json", envelope_text(key_number(2), "v1", "AA"));
  EnvelopeIndex index(folder.path());
  REQUIRE(index.refresh());
  CHECK(files_of(index, key_number(1)) == Paths{"a/deep/y.json", "a/x.json", "b.json"});
  CHECK(files_of(index, key_number(2)) == Paths{"c.json"});
  CHECK(files_of(index, key_number(3)).empty());
  CHECK(index.files_of(key_number(1), "a/deep/y.json", 1) == Paths{"a/x.json"});
  CHECK(index.files_of(key_number(1), "b.json", 1).empty());
  CHECK(index.one_of_each_folder(key_number(1)) == Paths{"b.json", "a/x.json", "a/deep/y.json"});
  CHECK(index.one_of_each_folder(key_number(3)).empty());
  CHECK(index.defects().empty());
}

TEST_CASE("a key is found however its letters are written") {
  EnvelopeFolder const folder;
  folder.write(
      "a.json",
      envelope_text({ProviderName("azure-prod"), VaultName("Payments-EU"), KeyId("CMK-Ledger")}, "v1", "AA"));
  EnvelopeIndex index(folder.path());
  REQUIRE(index.refresh());
  CHECK(files_of(index, ledger_key()) == Paths{"a.json"});
}

TEST_CASE("dot-files, other names, pipes and lost+found are not looked at") {
  EnvelopeFolder const folder;
  folder.write(".hidden.json", "x");
  folder.write(".git/config.json", "x");
  folder.write("lost+found/a.json", "x");
  folder.write("notes.txt", "x");
  folder.write("old.json.bak", "x");
  REQUIRE(::mkfifo((folder / "pipe.json").c_str(), 0600) == 0);
  EnvelopeIndex index(folder.path());
  REQUIRE(index.refresh());
  CHECK(index.defects().empty());
  CHECK(index.files_parsed() == 0);
}

TEST_CASE("a file that is no envelope is a defect with its place, until it is mended") {
  EnvelopeFolder const folder;
  folder.write("bad.json", "{\n\"rekeyd_envelope\": 7\n}");
  EnvelopeIndex index(folder.path());
  REQUIRE(index.refresh());
  REQUIRE(index.defects().size() == 1);
  CHECK(index.defects()[0].place == (folder / "bad.json").native() + ":2");
  CHECK(index.defects()[0].what.find("envelope version 7") == 0);
  CHECK(folder.read("bad.json") == "{\n\"rekeyd_envelope\": 7\n}");

  folder.write("bad.json", envelope_text(ledger_key(), "v1", "AA"));
  REQUIRE(index.refresh());
  CHECK(index.defects().empty());
  CHECK(files_of(index, ledger_key()) == Paths{"bad.json"});
}

TEST_CASE("an oversized file is a defect and is not read whole") {
  EnvelopeFolder const folder;
  folder.write("big.json", "");
  std::filesystem::resize_file(folder / "big.json", std::uintmax_t{1} << 34U);
  EnvelopeIndex index(folder.path());
  REQUIRE(index.refresh());
  REQUIRE(index.defects().size() == 1);
  CHECK(index.defects()[0].what.find("larger than 1048576 bytes") == 0);
}

TEST_CASE("the index follows files that appear, change, move and vanish") {
  EnvelopeFolder const folder;
  folder.write("a/1.json", envelope_text(key_number(1), "v1", "AA"));
  EnvelopeIndex index(folder.path());
  REQUIRE(index.refresh());
  folder.write("a/2.json", envelope_text(key_number(1), "v1", "AA"));
  folder.write("b/3.json", envelope_text(key_number(1), "v1", "AA"));
  REQUIRE(index.refresh());
  CHECK(files_of(index, key_number(1)) == Paths{"a/1.json", "a/2.json", "b/3.json"});

  folder.write("a/1.json", envelope_text(key_number(2), "v1", "AA"));
  REQUIRE(index.refresh());
  CHECK(files_of(index, key_number(1)) == Paths{"a/2.json", "b/3.json"});
  CHECK(files_of(index, key_number(2)) == Paths{"a/1.json"});

  std::filesystem::rename(folder / "a", folder / "c");
  REQUIRE(index.refresh());
  CHECK(files_of(index, key_number(1)) == Paths{"b/3.json", "c/2.json"});

  std::filesystem::remove_all(folder / "b");
  std::filesystem::remove(folder / "c/1.json");
  REQUIRE(index.refresh());
  CHECK(files_of(index, key_number(1)) == Paths{"c/2.json"});
  CHECK(files_of(index, key_number(2)).empty());
}

TEST_CASE("a change of the same size in the same tick of the clock is not missed") {
  EnvelopeFolder const folder;
  folder.write("a.json", envelope_text(key_number(0), "v1", "AA"));
  EnvelopeIndex index(folder.path());
  for (int i = 1; i < 2000; ++i) {
    folder.write("a.json", envelope_text(key_number(i % 10), "v1", "AA"));
    REQUIRE(index.refresh());
    REQUIRE(files_of(index, key_number(i % 10)) == Paths{"a.json"});
  }
}

TEST_CASE("files and folders that did not change are neither parsed nor listed again") {
  EnvelopeFolder const folder;
  for (int i = 0; i < 50; ++i) {
    folder.write(fmt::format("in/{}/{}.json", i % 5, i), envelope_text(key_number(i), "v1", "AA"));
  }
  let_time_stamps_move_on(folder);
  EnvelopeIndex index(folder.path());
  REQUIRE(index.refresh());
  REQUIRE(index.refresh());  // Here the last of them settle.
  std::size_t const parsed = index.files_parsed();
  std::size_t const listed = index.folders_listed();
  REQUIRE(index.refresh());
  CHECK(index.files_parsed() - parsed <= 1);  // The newest file of all never settles.
  CHECK(index.folders_listed() - listed <= 1);

  std::size_t const before = index.files_parsed();
  folder.write("in/3/3.json", envelope_text(key_number(99), "v1", "AA"));
  REQUIRE(index.refresh());
  CHECK(index.files_parsed() - before <= 2);
  CHECK(files_of(index, key_number(99)) == Paths{"in/3/3.json"});

  std::size_t const without_new_file = index.files_parsed();
  folder.write("in/3/new.json", envelope_text(key_number(99), "v1", "AA"));
  REQUIRE(index.refresh());
  CHECK(index.files_parsed() - without_new_file < 5);  // Of the ten that the folder holds.
  CHECK(files_of(index, key_number(99)) == Paths{"in/3/3.json", "in/3/new.json"});
}

TEST_CASE("a link out of the store's folder is a defect, a link inside is not followed twice") {
  EnvelopeFolder const outside;
  outside.write("there/secret.json", envelope_text(ledger_key(), "v1", "AA"));
  EnvelopeFolder const folder;
  folder.write("real/a.json", envelope_text(ledger_key(), "v1", "AA"));
  std::filesystem::create_symlink("real/a.json", folder / "same.json");
  std::filesystem::create_directory_symlink("real", folder / "current");
  std::filesystem::create_directory_symlink(folder.path(), folder / "loop");
  EnvelopeIndex index(folder.path());
  REQUIRE(index.refresh());
  CHECK(files_of(index, ledger_key()) == Paths{"real/a.json"});
  CHECK(index.defects().empty());

  std::filesystem::create_symlink(outside / "there/secret.json", folder / "out.json");
  std::filesystem::create_directory_symlink(outside / "there", folder / "out");
  std::filesystem::create_symlink("nowhere", folder / "dangling.json");
  folder.write("real/blob.bin", "x");
  std::filesystem::create_symlink("real/blob.bin", folder / "blob.json");
  std::filesystem::create_symlink("/dev/null", folder / "harmless");
  REQUIRE(index.refresh());
  CHECK(files_of(index, ledger_key()) == Paths{"real/a.json"});
  REQUIRE(index.defects().size() == 4);
  CHECK(index.defects()[0].place == (folder / "blob.json").native());
  CHECK(index.defects()[2].place == (folder / "out").native());
  CHECK(index.defects()[2].what.find("symbolic link") != std::string::npos);
}

TEST_CASE("a name that no report can show is a defect") {
  EnvelopeFolder const folder;
  folder.write("a\nb.json", envelope_text(ledger_key(), "v1", "AA"));
  folder.write("\xff.json", envelope_text(ledger_key(), "v1", "AA"));
  folder.write("größe.json", envelope_text(ledger_key(), "v1", "AA"));
  EnvelopeIndex index(folder.path());
  REQUIRE(index.refresh());
  CHECK(files_of(index, ledger_key()) == Paths{"größe.json"});
  REQUIRE(index.defects().size() == 2);
  CHECK(index.defects()[0].place == folder.path().native() + "/a\\x0ab.json");
  CHECK(index.defects()[1].place == folder.path().native() + "/\\xff.json");
}

TEST_CASE("a file with two names is a defect") {
  EnvelopeFolder const folder;
  folder.write("a.json", envelope_text(ledger_key(), "v1", "AA"));
  std::filesystem::create_hard_link(folder / "a.json", folder / "b.txt");
  EnvelopeIndex index(folder.path());
  REQUIRE(index.refresh());
  REQUIRE(index.defects().size() == 1);
  CHECK(index.defects()[0].what.find("2 hard links") != std::string::npos);
  CHECK(files_of(index, ledger_key()) == Paths{"a.json"});
  std::filesystem::remove(folder / "b.txt");
  REQUIRE(index.refresh());
  CHECK(index.defects().empty());
}

TEST_CASE("a folder that goes away is an error that keeps what was known, and works again when it is back") {
  EnvelopeFolder const folder;
  folder.write("store/a.json", envelope_text(ledger_key(), "v1", "AA"));
  EnvelopeIndex index(folder / "store");
  REQUIRE(index.refresh());
  std::filesystem::rename(folder / "store", folder / "away");
  auto const gone = index.refresh();
  REQUIRE_FALSE(gone.has_value());
  CHECK(gone.error().error_class == ErrorClass::not_found);
  CHECK(gone.error().where == (folder / "store").native());
  CHECK_FALSE(gone.error().remedy.empty());
  CHECK(index.defects().size() == 1);
  CHECK(files_of(index, ledger_key()) == Paths{"a.json"});
  std::filesystem::rename(folder / "away", folder / "store");
  REQUIRE(index.refresh());
  CHECK(index.defects().empty());
  CHECK(files_of(index, ledger_key()) == Paths{"a.json"});
}

TEST_CASE("a folder that was replaced by an empty one is an error: its file system may not be mounted") {
  EnvelopeFolder const folder;
  folder.write("store/a.json", envelope_text(ledger_key(), "v1", "AA"));
  EnvelopeIndex index(folder / "store");
  REQUIRE(index.refresh());
  std::filesystem::rename(folder / "store", folder / "away");
  std::filesystem::create_directory(folder / "store");
  auto const empty = index.refresh();
  REQUIRE_FALSE(empty.has_value());
  CHECK(empty.error().what.find("replaced by an empty one") != std::string::npos);
  CHECK(files_of(index, ledger_key()) == Paths{"a.json"});
  folder.write("store/b.json", envelope_text(ledger_key(), "v1", "AA"));
  REQUIRE(index.refresh());
  CHECK(files_of(index, ledger_key()) == Paths{"b.json"});
}

TEST_CASE("a folder that held DEKs and is emptied file by file is simply empty") {
  EnvelopeFolder const folder;
  folder.write("a.json", envelope_text(ledger_key(), "v1", "AA"));
  EnvelopeIndex index(folder.path());
  REQUIRE(index.refresh());
  std::filesystem::remove(folder / "a.json");
  REQUIRE(index.refresh());
  CHECK(files_of(index, ledger_key()).empty());
}

TEST_CASE("an unreadable sub-folder is an error, and an unreadable file a defect") {
  if (::geteuid() == 0 && ::seteuid(65534) != 0) return;
  {
    EnvelopeFolder const folder;
    folder.write("in/a.json", envelope_text(ledger_key(), "v1", "AA"));
    folder.write("b.json", envelope_text(ledger_key(), "v1", "AA"));
    REQUIRE(::chmod((folder / "b.json").c_str(), 0) == 0);
    EnvelopeIndex index(folder.path());
    REQUIRE(index.refresh());
    REQUIRE(index.defects().size() == 1);
    CHECK(index.defects()[0].what.find("Permission denied") != std::string::npos);
    REQUIRE(::chmod((folder / "in").c_str(), 0) == 0);
    auto const unreadable = index.refresh();
    REQUIRE_FALSE(unreadable.has_value());
    CHECK(unreadable.error().error_class == ErrorClass::storage);
    CHECK(unreadable.error().where == (folder / "in").native());
    CHECK(files_of(index, ledger_key()) == Paths{"in/a.json"});
    REQUIRE(::chmod((folder / "in").c_str(), 0700) == 0);
    REQUIRE(index.refresh());
  }
  if (::getuid() == 0) REQUIRE(::seteuid(0) == 0);
}

TEST_CASE("folders nested without end are an error") {
  EnvelopeFolder const folder;
  std::string deep;
  for (int i = 0; i < 70; ++i) deep += "d/";
  std::filesystem::create_directories(folder / deep);
  EnvelopeIndex index(folder.path());
  auto const result = index.refresh();
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().what.find("nested deeper than 64") != std::string::npos);
}

TEST_CASE("20,000 files of 1,000 keys are indexed once and looked through for each key") {
  EnvelopeFolder const folder;
  for (int i = 0; i < 20; ++i) std::filesystem::create_directory(folder / std::to_string(i));
  for (int i = 0; i < 20'000; ++i) {
    folder.write(fmt::format("{}/{}.json", i % 20, i), envelope_text(key_number(i % 1000), "v1", "AA"));
  }
  let_time_stamps_move_on(folder);
  EnvelopeIndex index(folder.path());
  auto const start = std::chrono::steady_clock::now();
  REQUIRE(index.refresh());
  auto const indexed = std::chrono::steady_clock::now();
  std::size_t const parsed = index.files_parsed();
  static constexpr int walks = 20;
  for (int i = 0; i < walks; ++i) {
    REQUIRE(index.refresh());
    REQUIRE(files_of(index, key_number(i)).size() == 20);
  }
  auto const walked = std::chrono::steady_clock::now();
  // At most the newest few are in doubt; without the index it would be 400,000.
  CHECK(index.files_parsed() - parsed < 2000);
  auto const ms = [](auto span) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
  };
  fmt::print("20,000 files: first index {} ms, then {:.1f} ms a walk, {} files parsed again in {} walks\n",
             ms(indexed - start), static_cast<double>(ms(walked - indexed)) / walks,
             index.files_parsed() - parsed, walks);
}
