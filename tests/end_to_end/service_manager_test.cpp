// What systemd is told of the daemon's life, over the socket that systemd would give it.
#include "tests/end_to_end/site.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <mutex>
#include <thread>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace rekeyd::test {

namespace {

using Catch::Matchers::Contains;

/// The receiving end of sd_notify(3). It reads all the time, as systemd does: the kernel keeps only a few
/// unread messages, and the sender waits.
class NotifySocket {
 public:
  explicit NotifySocket(std::filesystem::path const& path)
      : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.native().size() < sizeof(address.sun_path));
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    REQUIRE(::bind(descriptor_, reinterpret_cast<sockaddr const*>(&address), sizeof(address)) == 0);
    reader_ = std::jthread([this] { read(); });
  }
  ~NotifySocket() {
    ::shutdown(descriptor_, SHUT_RDWR);
    reader_.join();
    ::close(descriptor_);
  }
  NotifySocket(NotifySocket const&) = delete;
  NotifySocket& operator=(NotifySocket const&) = delete;

  /// How many messages have had `word` in them so far.
  std::ptrdiff_t count(std::string const& word) {
    std::scoped_lock const lock(guard_);
    return std::ranges::count_if(messages_, [&](std::string const& each) { return each.contains(word); });
  }
  /// The newest of them; empty if there is none.
  std::string last(std::string const& word) {
    std::scoped_lock const lock(guard_);
    auto const found = std::ranges::find_if(messages_.rbegin(), messages_.rend(),
                                            [&](std::string const& each) { return each.contains(word); });
    return found == messages_.rend() ? "" : *found;
  }

 private:
  /// Until the socket is shut down, which recv tells by nothing.
  void read() {
    std::array<char, 4096> message{};
    for (;;) {
      ssize_t const size = ::recv(descriptor_, message.data(), message.size(), 0);
      if (size <= 0) return;
      std::scoped_lock const lock(guard_);
      messages_.emplace_back(message.data(), static_cast<std::size_t>(size));
    }
  }

  int descriptor_;
  std::mutex guard_;
  std::vector<std::string> messages_;
  std::jthread reader_;
};

}  // namespace

TEST_CASE("the service manager is told of readiness, of what rotations change, of reloads and of the end") {
  Organisation organisation;
  Site& site = organisation.site;
  NotifySocket manager(site.folder() / "notify");
  site.environment()["NOTIFY_SOCKET"] = (site.folder() / "notify").string();
  site.environment()["WATCHDOG_USEC"] = "200000";
  site.start();
  site.await("readiness", [&] { return manager.count("READY=1") == 1; });
  CHECK_THAT(manager.last("READY=1"), Contains("STATUS="));
  site.await_settled();
  // The next inventory is an hour away: the line follows without one.
  site.await("a status line after the last rotation", [&] {
    std::string const line = manager.last("STATUS=");
    return line.contains(" ready") && !line.contains("rotating") && !line.contains(" due,");
  });
  site.await("the watchdog is fed on",
             [&, fed = manager.count("WATCHDOG=1")] { return manager.count("WATCHDOG=1") > fed; });

  site.daemon().send(SIGHUP);
  site.await("the end of the reload", [&] { return manager.count("READY=1") == 2; });
  CHECK(manager.count("RELOADING=1") == 1);
  site.write_policies("version: 1\npolicies:\n  - name: everything\n    evry: 1 month\n");
  CHECK(site.rekeyctl({"reload"}).exit == 3);
  CHECK(manager.count("RELOADING=1") == 2);
  CHECK_THAT(manager.last("READY=1"), Contains("MISTAKES"));

  CHECK(site.stop() == 0);
  CHECK(manager.count("STOPPING=1") == 1);
  CHECK(manager.count("EXTEND_TIMEOUT_USEC=") == 1);
}

}  // namespace rekeyd::test
