// Plain http: to this machine and its link, and nowhere else, whatever a name or connect_to says.
#include "tests/providers/http/diverted_service.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using World = test::DivertedService;
namespace asio = boost::asio;

namespace {

HttpRequest in_clear(std::string host, std::string port = "80") {
  auto wanted = World::request("GET");
  wanted.endpoint = {std::move(host), std::move(port), false};
  return wanted;
}

/// An address of this machine that others could reach; nothing if there is none.
std::optional<asio::ip::address> far_address(asio::io_context& io) {
  asio::ip::udp::socket socket(io, asio::ip::udp::v4());
  boost::system::error_code failure;
  // Sends nothing: it only asks for the way there.
  socket.connect({asio::ip::make_address("203.0.113.1"), 9}, failure);
  if (failure) return std::nullopt;
  auto const address = socket.local_endpoint(failure).address();
  bool const near = failure || address.is_loopback() || address.to_string().starts_with("169.254.");
  return near ? std::nullopt : std::optional(address);
}

}  // namespace

TEST_CASE("only loopback and link-local hosts may be spoken to in clear") {
  auto const near = GENERATE(as<std::string>(), "127.0.0.1", "127.8.9.10", "localhost", "imds.localhost",
                             "[::1]", "169.254.169.254", "169.254.0.1", "[fe80::1]");
  CHECK(may_go_in_clear({near, "80", false}));
  auto const far = GENERATE(as<std::string>(), "10.0.0.1", "168.254.169.254", "169.255.0.1", "192.168.1.1",
                            "kv1.vault.azure.net", "localhost.example", "notlocalhost", "[2001:db8::1]",
                            "0.0.0.0", "127.0.0.1.example", "2130706433", "");
  CAPTURE(far);
  CHECK_FALSE(may_go_in_clear({far, "80", false}));
}

TEST_CASE("a service with a name gets nothing in clear, though connect_to leads to loopback") {
  TlsTransportOptions ours;
  World probe(test::echo);
  ours.connect_to["kv1.vault.azure.net:80"] = "127.0.0.1:" + probe.server.port();
  World world(test::echo, {}, ours);
  auto const error = world.fail(in_clear("kv1.vault.azure.net"));
  CHECK(error.error_class == ErrorClass::permanent);
  CHECK(error.delivery == Delivery::not_sent);
  CHECK(error.remedy.find("https") != std::string::npos);
  CHECK(probe.server.seen().connections == 0);
}

TEST_CASE("a local name that leads to another machine's address gets nothing in clear") {
  asio::io_context io;
  auto const address = far_address(io);
  if (!address) {
    WARN("skipped: this machine has no address but loopback");
    return;
  }
  asio::ip::tcp::acceptor acceptor(io, {*address, 0});
  TlsTransportOptions ours;
  ours.connect_to["169.254.169.254:80"] =
      address->to_string() + ":" + std::to_string(acceptor.local_endpoint().port());
  World world(test::echo, {}, ours);
  auto const error = world.fail(in_clear("169.254.169.254"));
  CHECK(error.error_class == ErrorClass::permanent);
  CHECK(error.delivery == Delivery::not_sent);
}
