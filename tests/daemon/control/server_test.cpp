#include "daemon/control/server.hpp"

#include "daemon/control/protocol.hpp"
#include "tests/daemon/control/raw_connection.hpp"
#include "tests/daemon/control/served.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <latch>

#include <pwd.h>
#include <unistd.h>

using namespace rekeyd;
using namespace rekeyd::daemon;
using namespace rekeyd::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
namespace asio = boost::asio;

namespace {

/// Answers with what it was asked. "/throw" throws; "/wait" waits until release() or cancellation.
class Echo final : public ControlHandler {
 public:
  asio::awaitable<ControlAnswer> answer(ControlRequest request) override {
    if (request.path == "/throw") throw std::runtime_error("a secret of the house");
    if (request.path == "/wait") {
      asio::steady_timer bell(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
      bell_ = &bell;
      waiting.count_down();
      try {
        co_await bell.async_wait(asio::use_awaitable);
      } catch (boost::system::system_error const&) {
        if (!released_) throw;
      }
    }
    std::string text = request.method + " " + request.path + " by " + request.caller;
    for (auto const& [name, value] : request.query) text += " " + name + "=" + value;
    ControlAnswer const made{.status = 200, .body = "\"" + text + " " + request.body + "\""};
    co_return made;
  }
  /// On the server's thread.
  void release() {
    released_ = true;
    bell_->cancel();
  }

  std::latch waiting{1};

 private:
  asio::steady_timer* bell_{};
  bool released_{};
};

std::string get(std::string const& target) { return "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n"; }

std::string post(std::string const& body) {
  return fmt::format("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}", body.size(), body);
}

std::string me() { return fmt::format("uid {} ({})", getuid(), getpwuid(getuid())->pw_name); }

Error error_in(std::string const& answer) { return decode_error(answer.substr(answer.find("\r\n\r\n") + 4)); }

}  // namespace

TEST_CASE("the caller is known from the kernel", "[control][server]") {
  Echo echo;
  Served served(echo);
  RawConnection caller(served.socket());
  caller.send(get("/who"));
  std::string const answer = caller.read_answer();
  CHECK_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(answer, Contains("Content-Type: application/json"));
  CHECK_THAT(answer, Contains("\"GET /who by " + me() + " \""));
}

TEST_CASE("a connection serves one request after another, also when they come together",
          "[control][server]") {
  Echo echo;
  Served served(echo);
  RawConnection caller(served.socket());
  caller.send(get("/one"));
  CHECK_THAT(caller.read_answer(), Contains("/one"));
  caller.send(get("/two") + post("three") + get("/four"));
  CHECK_THAT(caller.read_answer(), Contains("/two"));
  CHECK_THAT(caller.read_answer(), Contains("three"));
  CHECK_THAT(caller.read_answer(), Contains("/four"));
  caller.send("GET /five HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK_THAT(caller.read_all(), Contains("/five") && Contains("Connection: close"));
}

TEST_CASE("paths and parameters are percent-decoded", "[control][server]") {
  Echo echo;
  Served served(echo);
  RawConnection caller(served.socket());
  caller.send(get("/a%20b?name=cmk%2D%2A&x=%26%3D"));
  CHECK_THAT(caller.read_answer(), Contains("GET /a b by") && Contains("name=cmk-*") && Contains("x=&="));
}

TEST_CASE("what is not HTTP is told so and hung up on", "[control][server]") {
  Echo echo;
  Served served(echo);
  for (std::string const garbage :
       {"hello?\r\n\r\n", "\x16\x03\x01\x02\x01\xfc\x03\x03\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "POST /p HTTP/1.1\r\nContent-Length: many\r\n\r\n"}) {
    RawConnection caller(served.socket());
    caller.send(garbage);
    std::string const answer = caller.read_all();
    INFO(garbage);
    CHECK_THAT(answer, StartsWith("HTTP/1.1 400"));
    CHECK(error_in(answer).code == "not_http");
  }
}

TEST_CASE("a parameter that comes twice is refused", "[control][server]") {
  Echo echo;
  Served served(echo);
  RawConnection caller(served.socket());
  caller.send(get("/keys?status=due&status=ready"));
  CHECK(error_in(caller.read_all()).code == "bad_target");
}

TEST_CASE("a body and a header have their limits", "[control][server]") {
  Echo echo;
  Served served(echo);
  RawConnection fits(served.socket());
  fits.send(post(std::string(64 * 1024, 'x')));
  CHECK_THAT(fits.read_answer(), StartsWith("HTTP/1.1 200"));
  RawConnection long_body(served.socket());
  long_body.send(post(std::string(64 * 1024 + 1, 'x')));
  CHECK_THAT(long_body.read_all(), StartsWith("HTTP/1.1 413") && Contains("65536 bytes"));
  RawConnection long_header(served.socket());
  long_header.send("GET / HTTP/1.1\r\nX: " + std::string(9000, 'x') + "\r\n\r\n");
  CHECK_THAT(long_header.read_all(), StartsWith("HTTP/1.1 431") && Contains("8192 bytes"));
}

TEST_CASE("a slow caller and an idle one are hung up on", "[control][server]") {
  Echo echo;
  ControlServerSettings settings;
  settings.request_max = std::chrono::milliseconds(50);
  settings.idle_max = std::chrono::milliseconds(50);
  Served served(echo, settings);
  RawConnection slow(served.socket());
  slow.send("POST /p HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf of");
  CHECK(slow.read_all().empty());
  RawConnection idle(served.socket());
  CHECK(idle.read_all().empty());
}

TEST_CASE("a caller that takes no answers is hung up on", "[control][server]") {
  Echo echo;
  ControlServerSettings settings;
  settings.answer_max = std::chrono::milliseconds(50);
  Served served(echo, settings);
  RawConnection deaf(served.socket());
  // Answers carry the body back, so they fill the socket's buffers, and then requests do not get through.
  while (deaf.send(post(std::string(60 * 1024, 'x')))) {
  }
  RawConnection next(served.socket());
  next.send(get("/still-there"));
  CHECK_THAT(next.read_answer(), Contains("/still-there"));
}

TEST_CASE("callers beyond the limit are told so, and served when others have gone", "[control][server]") {
  Echo echo;
  Served served(echo);
  {
    std::vector<RawConnection> crowd;
    for (int i = 0; i < 32; ++i) {
      crowd.emplace_back(served.socket());
      crowd.back().send(get("/in"));
      CHECK_THAT(crowd.back().read_answer(), Contains("/in"));
    }
    for (int i = 0; i < 8; ++i) {
      RawConnection late(served.socket());
      late.send(get("/late"));
      std::string const answer = late.read_all();
      CHECK_THAT(answer, StartsWith("HTTP/1.1 503"));
      CHECK(error_in(answer).code == "too_many_connections");
    }
    CHECK(served.connections() == 32);
  }
  while (served.connections() == 32) std::this_thread::yield();
  RawConnection now(served.socket());
  now.send(get("/now"));
  CHECK_THAT(now.read_answer(), Contains("/now"));
}

TEST_CASE("a handler that throws is an error of ours, without its words", "[control][server]") {
  Echo echo;
  Served served(echo);
  RawConnection caller(served.socket());
  caller.send(get("/throw"));
  std::string const answer = caller.read_answer();
  CHECK_THAT(answer, StartsWith("HTTP/1.1 500") && !Contains("secret"));
  CHECK(error_in(answer).code == "internal_error");
  caller.send(get("/after"));
  CHECK_THAT(caller.read_answer(), Contains("/after"));
}

TEST_CASE("stopping answers the request in hand, drops the idle and removes the file", "[control][server]") {
  Echo echo;
  Served served(echo);
  RawConnection idle(served.socket());
  idle.send(get("/idle"));
  CHECK_THAT(idle.read_answer(), Contains("/idle"));
  RawConnection busy(served.socket());
  busy.send(get("/wait"));
  echo.waiting.wait();
  auto stopped = served.stop(std::chrono::seconds(60));
  CHECK(idle.read_all().empty());
  CHECK_THROWS(RawConnection(served.socket()));
  served.on_thread([&] { echo.release(); });
  CHECK_THAT(busy.read_all(), Contains("GET /wait") && Contains("Connection: close"));
  stopped.get();
  CHECK_FALSE(std::filesystem::exists(served.socket()));
}

TEST_CASE("stopping does not wait for ever", "[control][server]") {
  Echo echo;
  Served served(echo);
  RawConnection busy(served.socket());
  busy.send(get("/wait"));
  echo.waiting.wait();
  RawConnection half(served.socket());
  half.send("POST /p HTTP/1.1\r\nContent-Le");
  served.stop(std::chrono::milliseconds(20)).get();
  CHECK(busy.read_all().empty());
  CHECK(half.read_all().empty());
  CHECK(served.connections() == 0);
}
