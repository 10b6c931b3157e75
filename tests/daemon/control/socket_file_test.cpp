#include "daemon/control/socket_file.hpp"

#include "tests/daemon/control/raw_connection.hpp"
#include "tests/support/temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <cstring>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

using namespace rekeyd;
using namespace rekeyd::daemon;
using namespace rekeyd::test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

mode_t mode_of(fs::path const& path) {
  struct stat found{};
  REQUIRE(lstat(path.c_str(), &found) == 0);
  return found.st_mode & 07777;
}

Error refused(Result<SocketFile> const& made) {
  REQUIRE_FALSE(made);
  return made.error();
}

// What a daemon killed by SIGKILL leaves: a bound file that nobody listens on.
void leave_stale(fs::path const& path) {
  Descriptor const bound(socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  REQUIRE(bind(bound.get(), reinterpret_cast<sockaddr const*>(&address), sizeof(address)) == 0);
}

}  // namespace

TEST_CASE("without a group only the daemon's own user may connect", "[control][socket]") {
  TemporaryFolder const folder;
  auto const file = SocketFile::listen(folder.path() / "s", "");
  REQUIRE(file);
  CHECK(mode_of(folder.path() / "s") == 0600);
  CHECK_NOTHROW(RawConnection(folder.path() / "s"));
}

TEST_CASE("a group is let in", "[control][socket]") {
  TemporaryFolder const folder;
  auto const file = SocketFile::listen(folder.path() / "s", getgrgid(getgid())->gr_name);
  REQUIRE(file);
  CHECK(mode_of(folder.path() / "s") == 0660);
  struct stat found{};
  REQUIRE(stat((folder.path() / "s").c_str(), &found) == 0);
  CHECK(found.st_gid == getgid());
}

TEST_CASE("a socket file left by a dead daemon is replaced", "[control][socket]") {
  TemporaryFolder const folder;
  leave_stale(folder.path() / "s");
  CHECK_THROWS(RawConnection(folder.path() / "s"));
  auto const file = SocketFile::listen(folder.path() / "s", "");
  REQUIRE(file);
  CHECK_NOTHROW(RawConnection(folder.path() / "s"));
}

TEST_CASE("a socket that a live daemon answers on is refused", "[control][socket]") {
  TemporaryFolder const folder;
  auto const first = SocketFile::listen(folder.path() / "s", "");
  REQUIRE(first);
  Error const error = refused(SocketFile::listen(folder.path() / "s", ""));
  CHECK(error.code == "socket_taken");
  CHECK(error.error_class == ErrorClass::conflict);
  CHECK(error.where == (folder.path() / "s").string());
  CHECK_NOTHROW(RawConnection(folder.path() / "s"));
}

TEST_CASE("a live answer counts even when the lock was removed", "[control][socket]") {
  TemporaryFolder const folder;
  auto const first = SocketFile::listen(folder.path() / "s", "");
  REQUIRE(first);
  fs::remove(folder.path() / "s.lock");
  CHECK(refused(SocketFile::listen(folder.path() / "s", "")).code == "socket_taken");
}

TEST_CASE("the file is removed at the end, but not somebody else's", "[control][socket]") {
  TemporaryFolder const folder;
  {
    auto const file = SocketFile::listen(folder.path() / "s", "");
    REQUIRE(file);
  }
  CHECK_FALSE(fs::exists(folder.path() / "s"));
  {
    auto const file = SocketFile::listen(folder.path() / "s", "");
    REQUIRE(file);
    fs::remove(folder.path() / "s");
    folder.write("s", "another's");
  }
  CHECK(fs::exists(folder.path() / "s"));
}

TEST_CASE("what is no socket is not touched", "[control][socket]") {
  TemporaryFolder const folder;
  auto const path = folder.write("s", "precious");
  CHECK_THAT(refused(SocketFile::listen(path, "")).what, Contains("no socket"));
  CHECK(fs::file_size(path) == 8);
}

TEST_CASE("impossible places are refused in words", "[control][socket]") {
  TemporaryFolder const folder;
  Error const missing = refused(SocketFile::listen(folder.path() / "no" / "s", ""));
  CHECK_THAT(missing.remedy, Contains((folder.path() / "no").string()));
  CHECK_THAT(refused(SocketFile::listen(folder.path() / std::string(200, 'x'), "")).what,
             Contains("107 bytes"));
  CHECK_THAT(refused(SocketFile::listen("", "")).what, Contains("107 bytes"));
  CHECK_THAT(refused(SocketFile::listen(folder.path() / "s", "no-such-group-here")).what,
             Contains("no group 'no-such-group-here'"));
  CHECK_FALSE(fs::exists(folder.path() / "s"));
}
