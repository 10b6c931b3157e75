#include "providers/dek/envelope_batch.hpp"

#include "providers/dek/envelope.hpp"
#include "tests/providers/dek/envelope_folder.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

using namespace rekeyd;
using namespace rekeyd::providers;

namespace {

std::string const old_text = envelope_text(ledger_key(), "v1", "b2xk");
std::string const new_text = envelope_text(ledger_key(), "v2", "bmV3");

Result<void> replace_one(EnvelopeFolder const& folder, DekReplacement const& replacement) {
  return replace_these(folder, std::array{replacement}).at(0);
}

Error refused(EnvelopeFolder const& folder, DekReplacement const& replacement) {
  Result<void> const result = replace_one(folder, replacement);
  REQUIRE_FALSE(result.has_value());
  CHECK_FALSE(result.error().what.empty());
  CHECK_FALSE(result.error().remedy.empty());
  CHECK_FALSE((result.error().where.empty() && !replacement.before.id.empty()));
  CHECK(result.error().delivery == Delivery::refused);
  return result.error();
}

struct stat status_of(std::filesystem::path const& path) {
  struct stat status{};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

}  // namespace

TEST_CASE("a WDEK is replaced and every other byte of its file stays") {
  EnvelopeFolder const folder;
  folder.write("in/a.json",
               "{ \"rekeyd_envelope\" : 1,\r\n\t\"provider\":\"azure-prod\",\"vault\":\"payments-eu\",\n"
               "  \"zeta\": [1,  2], \"key\":\"cmk-ledger\", "
               "\"key_version\":\"v1\",\"wdek\":\"b2xk\",\"alpha\":1e2 }");
  REQUIRE(replace_one(folder, old_to_new("in/a.json")));
  CHECK(folder.read("in/a.json") ==
        "{ \"rekeyd_envelope\" : 1,\r\n\t\"provider\":\"azure-prod\",\"vault\":\"payments-eu\",\n"
        "  \"zeta\": [1,  2], \"key\":\"cmk-ledger\", \"key_version\":\"v2\",\"wdek\":\"bmV3\",\"alpha\":1e2 "
        "}");
  CHECK(folder.files() == std::vector<std::string>{"in/a.json"});
}

TEST_CASE("a file that holds another WDEK is a conflict and stays untouched") {
  EnvelopeFolder const folder;
  folder.write("a.json", old_text);
  struct stat const before = status_of(folder / "a.json");
  DekReplacement other_ciphertext = old_to_new("a.json");
  other_ciphertext.before.ciphertext = "b3RoZXI";
  CHECK(refused(folder, other_ciphertext).error_class == ErrorClass::conflict);
  DekReplacement other_version = old_to_new("a.json");
  other_version.before.version = VersionId("v0");
  CHECK(refused(folder, other_version).error_class == ErrorClass::conflict);
  DekReplacement other_key = old_to_new("a.json");
  other_key.before.key.id = KeyId("other");
  CHECK(refused(folder, other_key).error_class == ErrorClass::conflict);
  CHECK(folder.read("a.json") == old_text);
  CHECK(status_of(folder / "a.json").st_ino == before.st_ino);
  CHECK(folder.files().size() == 1);
}

TEST_CASE("each replacement of a batch has its own result, in order") {
  EnvelopeFolder const folder;
  folder.write("a.json", old_text);
  folder.write("b/b.json", new_text);
  folder.write("c.json", "gone wrong");
  folder.write("d/d.json", old_text);
  std::array const batch{old_to_new("a.json"),   old_to_new("b/b.json"), old_to_new("c.json"),
                         old_to_new("d/d.json"), old_to_new("e.json"),   old_to_new("no/f.json")};
  auto const results = replace_these(folder, batch);
  REQUIRE(results.size() == batch.size());
  CHECK(results[0]);
  CHECK(results[1].error().error_class == ErrorClass::conflict);
  CHECK(results[2].error().error_class == ErrorClass::conflict);
  CHECK(results[2].error().where == (folder / "c.json").native() + ":1");
  CHECK(results[3]);
  CHECK(results[4].error().error_class == ErrorClass::not_found);
  CHECK(results[5].error().error_class == ErrorClass::not_found);
  CHECK(folder.read("a.json") == new_text);
  CHECK(folder.read("c.json") == "gone wrong");
  CHECK(folder.read("d/d.json") == new_text);
}

TEST_CASE("a batch may be larger than the number of files that are open at once") {
  EnvelopeFolder const folder;
  std::vector<DekReplacement> batch;
  for (int i = 0; i < 300; ++i) {
    std::string const name = fmt::format("{}.json", i);
    folder.write(name, old_text);
    batch.push_back(old_to_new(name));
  }
  for (Result<void> const& result : replace_these(folder, batch)) REQUIRE(result);
  for (DekReplacement const& replacement : batch)
    REQUIRE(folder.read(replacement.before.id.str()) == new_text);
  CHECK(folder.files().size() == batch.size());
}

TEST_CASE("a file that a batch names twice is replaced once") {
  EnvelopeFolder const folder;
  folder.write("a.json", old_text);
  auto const results = replace_these(folder, std::array{old_to_new("a.json"), old_to_new("a.json")});
  CHECK(results[0]);
  REQUIRE_FALSE(results[1]);
  CHECK(results[1].error().error_class == ErrorClass::conflict);
}

TEST_CASE("a new WDEK that does not fit an envelope is refused before anything is written") {
  EnvelopeFolder const folder;
  folder.write("a.json", old_text);
  DekReplacement bad = old_to_new("a.json");
  bad.after.ciphertext = "not base64!";
  CHECK(refused(folder, bad).error_class == ErrorClass::permanent);
  bad = old_to_new("a.json");
  bad.after.version = VersionId("");
  CHECK(refused(folder, bad).error_class == ErrorClass::permanent);
  bad = old_to_new("a.json");
  bad.after.aad = {"changed"};
  CHECK(refused(folder, bad).error_class == ErrorClass::permanent);
  CHECK(folder.read("a.json") == old_text);
}

TEST_CASE("an id cannot lead out of the folder") {
  EnvelopeFolder const outside;
  outside.write("a.json", old_text);
  EnvelopeFolder const folder;
  folder.write("in/x", "");
  std::string const name = outside.path().filename().native();
  refused(folder, old_to_new("../" + name + "/a.json"));
  CHECK(refused(folder, old_to_new("in/../../" + name + "/a.json")).what ==
        "leads out of the store's folder");
  refused(folder, old_to_new((outside / "a.json").native()));
  refused(folder, old_to_new(""));
  std::filesystem::create_directory_symlink(outside.path(), folder / "link");
  refused(folder, old_to_new("link/a.json"));
  CHECK(outside.read("a.json") == old_text);
}

TEST_CASE("links, pipes and folders in a file's place are refused") {
  EnvelopeFolder const folder;
  folder.write("a.json", old_text);
  std::filesystem::create_symlink("a.json", folder / "link.json");
  CHECK(refused(folder, old_to_new("link.json")).remedy.find("symbolic link") != std::string::npos);
  REQUIRE(::mkfifo((folder / "pipe.json").c_str(), 0600) == 0);
  CHECK(refused(folder, old_to_new("pipe.json")).what == "not a regular file");
  std::filesystem::create_directory(folder / "folder.json");
  CHECK(refused(folder, old_to_new("folder.json")).error_class == ErrorClass::storage);
  std::filesystem::create_hard_link(folder / "a.json", folder / "twin.json");
  CHECK(refused(folder, old_to_new("a.json")).what.find("2 hard links") != std::string::npos);
  CHECK(folder.read("twin.json") == old_text);
  CHECK(S_ISLNK(status_of(folder / "link.json").st_mode));
}

TEST_CASE("owner, group, mode and extended attributes stay") {
  EnvelopeFolder const folder;
  folder.write("a.json", old_text);
  bool const root = ::geteuid() == 0;
  if (root) REQUIRE(::chown((folder / "a.json").c_str(), 1234, 5678) == 0);
  REQUIRE(::chmod((folder / "a.json").c_str(), 0640) == 0);
  bool const attributes = ::setxattr((folder / "a.json").c_str(), "user.owner", "payments", 8, 0) == 0;
  REQUIRE(replace_one(folder, old_to_new("a.json")));
  struct stat const after = status_of(folder / "a.json");
  CHECK((after.st_mode & 07777U) == 0640);
  if (root) CHECK(after.st_uid == 1234);
  if (root) CHECK(after.st_gid == 5678);
  std::array<char, 16> value{};
  if (attributes) {
    CHECK(::getxattr((folder / "a.json").c_str(), "user.owner", value.data(), value.size()) == 8);
    CHECK(std::string_view(value.data(), 8) == "payments");
  }
  CHECK(folder.read("a.json") == new_text);
}

TEST_CASE("a file whose owner cannot be kept is refused and nothing stays behind") {
  if (::geteuid() != 0) return;
  EnvelopeFolder const folder;
  folder.write("a.json", old_text);
  REQUIRE(::chmod((folder / "a.json").c_str(), 0644) == 0);
  REQUIRE(::chown(folder.path().c_str(), 65534, 65534) == 0);
  REQUIRE(::seteuid(65534) == 0);
  Error const error = refused(folder, old_to_new("a.json"));
  REQUIRE(::seteuid(0) == 0);
  CHECK(error.what.find("cannot keep the owner 0:") == 0);
  CHECK(error.remedy.find("CAP_CHOWN") != std::string::npos);
  CHECK(folder.read("a.json") == old_text);
  CHECK(folder.files() == std::vector<std::string>{"a.json"});
}

TEST_CASE("a folder that may not be written is an error that says so") {
  if (::geteuid() == 0 && ::seteuid(65534) != 0) return;
  {
    EnvelopeFolder const folder;
    folder.write("in/a.json", old_text);
    REQUIRE(::chmod((folder / "in").c_str(), 0500) == 0);
    Error const error = refused(folder, old_to_new("in/a.json"));
    CHECK(error.error_class == ErrorClass::storage);
    CHECK(error.what.find("Permission denied") != std::string::npos);
    CHECK(folder.read("in/a.json") == old_text);
    REQUIRE(::chmod((folder / "in").c_str(), 0700) == 0);
  }
  if (::getuid() == 0) REQUIRE(::seteuid(0) == 0);
}

TEST_CASE("a file that may not grow any more stays whole") {
  EnvelopeFolder const folder;
  std::string const large =
      old_text.substr(0, old_text.size() - 2) + ", \"x\": \"" + std::string(8000, 'x') + "\"}\n";
  folder.write("a.json", large);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  auto const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit const tight{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
  Result<void> const result = replace_one(folder, old_to_new("a.json"));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  REQUIRE_FALSE(result);
  CHECK(result.error().error_class == ErrorClass::storage);
  CHECK(result.error().what.find("cannot write the new envelope") == 0);
  CHECK(folder.read("a.json") == large);
  CHECK(folder.files() == std::vector<std::string>{"a.json"});
}

TEST_CASE("on a full disk, and on one that is read-only, old files stay whole") {
  EnvelopeFolder const folder;
  // Below a plain chroot, "/" is no mount that could be made private.
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    WARN("skipped: this needs a mount namespace of its own");
    return;
  }
  REQUIRE(::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=32k") == 0);
  folder.write("a.json", old_text);
  int const filler = ::open((folder / "filler").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  std::string const block(4096, 'f');
  while (::write(filler, block.data(), block.size()) > 0) {
  }
  ::close(filler);
  Error const full = refused(folder, old_to_new("a.json"));
  CHECK(full.error_class == ErrorClass::storage);
  CHECK(full.what.find("No space left") != std::string::npos);
  CHECK(full.remedy.find("make room") == 0);
  CHECK(folder.read("a.json") == old_text);
  CHECK(folder.files() == std::vector<std::string>{"a.json", "filler"});

  std::filesystem::remove(folder / "filler");
  REQUIRE(::mount(nullptr, folder.path().c_str(), nullptr, MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  Error const read_only = refused(folder, old_to_new("a.json"));
  CHECK(read_only.what.find("Read-only file system") != std::string::npos);
  CHECK(read_only.remedy.find("ReadWritePaths=") != std::string::npos);
  REQUIRE(::mount(nullptr, folder.path().c_str(), nullptr, MS_REMOUNT, nullptr) == 0);
  CHECK(replace_one(folder, old_to_new("a.json")));
  CHECK(::umount(folder.path().c_str()) == 0);
}

TEST_CASE("whoever reads while a file is replaced sees the old or the new one whole", "[threads]") {
  EnvelopeFolder const folder;
  folder.write("a.json", old_text);
  std::atomic<bool> ended{false};
  std::atomic<int> reads{0};
  std::atomic<int> torn{0};
  std::thread reader([&] {
    while (!ended) {
      std::string const text = folder.read("a.json");
      if (text != old_text && text != new_text) ++torn;
      ++reads;
    }
  });
  DekReplacement const forth = old_to_new("a.json");
  DekReplacement const back{.before = forth.after, .after = forth.before};
  int failures = 0;
  for (int i = 0; i < 200 || reads < 100; ++i) {
    if (!replace_one(folder, i % 2 == 0 ? forth : back)) ++failures;
  }
  ended = true;
  reader.join();
  CHECK(failures == 0);
  CHECK(torn == 0);
}
