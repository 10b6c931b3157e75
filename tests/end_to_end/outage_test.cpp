// A cloud that is not there when rekeyd starts.
#include "tests/end_to_end/site.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rekeyd::test {

namespace {

using Catch::Matchers::Contains;

/// A port of loopback that nobody else gets and at which nobody listens yet.
class ReservedPort {
 public:
  ReservedPort() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    int const yes = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    bool const bound = socket_ >= 0 &&
                       ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
                       ::bind(socket_, any, size) == 0 && ::getsockname(socket_, any, &size) == 0;
    if (!bound) throw std::system_error(errno, std::generic_category(), "cannot reserve a port");
    port_ = ntohs(address.sin_port);
  }
  ~ReservedPort() { ::close(socket_); }
  ReservedPort(ReservedPort const&) = delete;
  ReservedPort& operator=(ReservedPort const&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  int socket_;
  std::uint16_t port_{};
};

// What an inventory waits after a first failure, and room.
constexpr auto until_the_next_look = std::chrono::seconds(75);

boost::json::value provider(Site& site, std::string const& name) {
  auto const status = site.ask({"status"});
  for (auto const& provider : status.at("providers").as_array()) {
    if (provider.at("name").as_string() == name) return provider;
  }
  FAIL("no provider " << name);
  return {};
}

bool is_ibm(std::string const& host) {
  return host.find("ibm") != std::string::npos || host.ends_with(".cloud");
}

}  // namespace

TEST_CASE(
    "providers that are out of reach at the start are told of and their keys rotate once they are there") {
  WorldKeys in_time = one_due_key_everywhere();
  WorldKeys late;
  std::swap(late.orders, in_time.orders);
  std::swap(late.dedicated, in_time.dedicated);
  std::swap(late.legacy, in_time.legacy);

  Site site;
  ReservedPort const reserved;
  Clouds azure(site.clouds_options(world_text(in_time)));
  SettingsText settings = site.settings(azure.port());
  for (std::string const& host : cloud_hosts()) {
    if (is_ibm(host)) settings.other_ports[host] = reserved.port();
  }
  site.write_settings(settings);
  site.write_policies(rotate_everything());
  site.start();
  site.await("the keys at Azure are rotated",
             [&] { return site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") == 2; });
  auto const told = [&] { return provider(site, "kp").at("last_error").is_string(); };
  site.await("status tells of the provider out of reach", told);
  CHECK(provider(site, "kp").at("reachable") == false);
  CHECK(provider(site, "kp").at("last_inventory").is_null());
  CHECK(provider(site, "azure").at("reachable") == true);
  CHECK_THAT(std::string(provider(site, "kp").at("last_error").as_string()), Contains("iam.cloud.ibm.com"));
  CHECK_THAT(site.rekeyctl({"status"}).out, Contains("iam.cloud.ibm.com"));
  CHECK_THAT(site.log(), Contains("provider kp") && Contains("iam.cloud.ibm.com"));

  // They come up, with the certificate of the same authority.
  auto options = site.clouds_options(world_text(late));
  options.folder = site.folder() / "late-clouds";
  options.port = reserved.port();
  std::filesystem::create_directory(options.folder);
  Clouds const ibm(options);
  site.await("the late providers' keys are rotated", [&] { return site.settled(); }, until_the_next_look);
  CHECK(provider(site, "kp").at("reachable") == true);
  CHECK(site.number("SELECT count(*) FROM audit_rotations WHERE state = 'done'") == 5);
  CHECK(site.stop() == 0);
}

}  // namespace rekeyd::test
