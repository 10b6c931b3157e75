#include "daemon/logging.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <array>

#include <sys/stat.h>
#include <unistd.h>

namespace rekeyd::test {

TEST_CASE("a descriptor is the journal's only if it is the stream that systemd named") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  struct stat found{};
  REQUIRE(::fstat(ends[1], &found) == 0);
  std::string const own = fmt::format("{}:{}", found.st_dev, found.st_ino);

  CHECK(daemon::is_journal(ends[1], own.c_str()));
  CHECK_FALSE(daemon::is_journal(ends[1], nullptr));
  CHECK_FALSE(daemon::is_journal(ends[1], ""));
  CHECK_FALSE(daemon::is_journal(ends[1], fmt::format("{}:{}", found.st_dev, found.st_ino + 1).c_str()));
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK_FALSE(daemon::is_journal(ends[1], own.c_str()));
}

}  // namespace rekeyd::test
