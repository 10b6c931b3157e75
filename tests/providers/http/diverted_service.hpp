#pragma once
#include "providers/http/tls_transport.hpp"
#include "providers/system/system_clock.hpp"
#include "tests/providers/http/raw_server.hpp"
#include "tests/support/run_coroutine.hpp"
#include "tests/support/temporary_folder.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace rekeyd::test {

/// The authority that issued the servers' certificates, made once.
TestCa const& authority();

extern std::string const service;  ///< The production name that the server goes by.

/// Says the target and the body of what it heard.
RawServer::Said echo(RawServer::Heard const& heard);
RawServer::Behaviour always(std::string bytes, RawServer::Said::Then then = RawServer::Said::Then::listen);
bool mentions(Error const& error, std::string_view words);

/// A server under a production name on a port of its own, and a transport that is diverted to it.
struct DivertedService {
  TemporaryFolder folder;
  RawServer server;
  std::unique_ptr<providers::Clock> clock{providers::make_system_clock()};
  boost::asio::io_context io{1};
  std::unique_ptr<providers::HttpTransport> transport;

  explicit DivertedService(RawServer::Behaviour behaviour, RawServer::Options options = {},
                           providers::TlsTransportOptions ours = {},
                           std::string const& trusted = authority().certificate_pem(),
                           Leaf const& leaf = authority().issue({service, "localhost", "127.0.0.1"}));
  ~DivertedService() { transport.reset(); }
  DivertedService(DivertedService const&) = delete;
  DivertedService& operator=(DivertedService const&) = delete;

  static providers::HttpRequest request(std::string method, std::string target = "/keys",
                                        std::string_view body = {});
  providers::HttpRequest plain_request(std::string method);
  Result<providers::HttpResponse> send(providers::HttpRequest wanted,
                                       std::chrono::milliseconds patience = std::chrono::seconds(20));
  /// Fails the test if the request goes well.
  Error fail(providers::HttpRequest wanted, std::chrono::milliseconds patience = std::chrono::seconds(20));
};

}  // namespace rekeyd::test
