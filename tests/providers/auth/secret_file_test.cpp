#include "providers/auth/secret_file.hpp"

#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <filesystem>

#include <stdlib.h>
#include <sys/stat.h>

using namespace rekeyd;
using namespace rekeyd::providers;
namespace fs = std::filesystem;

namespace {

struct Folder {
  test::TemporaryFolder folder;
  fs::path write(std::string const& content, fs::perms mode = fs::perms::owner_read) const {
    auto const path = folder.write("credential", content);
    fs::permissions(path, mode);
    return path;
  }
};

// Sets the environment of this test process, which runs one case alone.
struct CredentialsDirectory {
  explicit CredentialsDirectory(fs::path const& path) { ::setenv("CREDENTIALS_DIRECTORY", path.c_str(), 1); }
  ~CredentialsDirectory() { ::unsetenv("CREDENTIALS_DIRECTORY"); }
  CredentialsDirectory(CredentialsDirectory const&) = delete;
  CredentialsDirectory& operator=(CredentialsDirectory const&) = delete;
};

Error refused(fs::path const& path) {
  auto const secret = read_secret_file(path);
  REQUIRE_FALSE(secret.has_value());
  CHECK(secret.error().where == path.string());
  return secret.error();
}

}  // namespace

TEST_CASE("a credential is read whole, without the newline at its end") {
  struct Case {
    std::string content, secret;
  };
  auto const file = GENERATE(values<Case>(
      {{"s3cret", "s3cret"}, {"s3cret\n", "s3cret"}, {"s3cret\r\n", "s3cret"}, {" s3 cret ", " s3 cret "}}));
  Folder const folder;
  auto const secret = read_secret_file(folder.write(file.content));
  REQUIRE(secret.has_value());
  CHECK(secret->reveal() == file.secret);
}

TEST_CASE("a credential file that others may use is refused, and the remedy can be typed") {
  auto const mode = GENERATE(fs::perms::group_read, fs::perms::others_read, fs::perms::group_write,
                             fs::perms::others_write);
  Folder const folder;
  auto const path = folder.write("s3cret", fs::perms::owner_read | mode);
  auto const error = refused(path);
  CHECK(error.error_class == ErrorClass::access);
  CHECK(error.remedy == "run: chmod 600 " + path.string());
  CHECK(to_text(error).find("s3cret") == std::string::npos);
}

TEST_CASE("systemd's credentials folder may be readable by the group, but only files in it") {
  Folder const folder;
  auto const inside = folder.write("s3cret", fs::perms::owner_read | fs::perms::group_read);
  Folder const elsewhere;
  auto const outside = elsewhere.write("other", fs::perms::owner_read | fs::perms::group_read);
  fs::create_symlink(outside, folder.folder.path() / "link");
  CredentialsDirectory const directory(folder.folder.path());
  CHECK(read_secret_file(inside).has_value());
  CHECK(read_credential("credential")->reveal() == "s3cret");
  CHECK_FALSE(read_secret_file(outside).has_value());
  CHECK_FALSE(read_credential("link").has_value());
  CHECK_FALSE(read_credential("absent").has_value());
  auto const name = GENERATE(as<std::string>(), "", ".", "..", "../credential", "/etc/passwd");
  CHECK(read_credential(name).error().error_class == ErrorClass::permanent);
}

TEST_CASE("without systemd's folder a named credential says how to get one") {
  ::unsetenv("CREDENTIALS_DIRECTORY");
  auto const secret = read_credential("entra");
  REQUIRE_FALSE(secret.has_value());
  CHECK(secret.error().remedy.find("LoadCredential=entra") != std::string::npos);
}

TEST_CASE("a file that holds no secret is refused with the reason") {
  Folder const folder;
  CHECK(refused(folder.folder.path() / "absent").what.find("No such file") != std::string::npos);
  CHECK(refused(folder.folder.path()).what.find("not a regular file") != std::string::npos);
  CHECK(refused(folder.write("")).what.find("empty") != std::string::npos);
}

TEST_CASE("a file that is more than one secret is refused") {
  Folder const folder;
  auto const content =
      GENERATE(as<std::string>(), "one\ntwo", "one\n\n", std::string("a\0b", 3), std::string(17 << 10, 'x'));
  CHECK_FALSE(refused(folder.write(content)).what.empty());
}

TEST_CASE("a pipe in the file's place does not hold the daemon up") {
  Folder const folder;
  auto const path = folder.folder.path() / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(refused(path).what.find("not a regular file") != std::string::npos);
}
