#include "tests/providers/http/diverted_service.hpp"

#include <catch2/catch.hpp>

namespace rekeyd::test {

using namespace providers;

TestCa const& authority() {
  static TestCa const made;
  return made;
}

std::string const service = "kv1.vault.azure.net";

RawServer::Said echo(RawServer::Heard const& heard) {
  return {http_answer(heard.head.substr(0, heard.head.find(" HTTP")) + heard.body)};
}

RawServer::Behaviour always(std::string bytes, RawServer::Said::Then then) {
  return [bytes, then](RawServer::Heard const&) { return RawServer::Said{bytes, then}; };
}

bool mentions(Error const& error, std::string_view words) {
  return error.what.find(words) != std::string::npos;
}

DivertedService::DivertedService(RawServer::Behaviour behaviour, RawServer::Options options,
                                 TlsTransportOptions ours, std::string const& trusted, Leaf const& leaf)
    : server(leaf, std::move(behaviour), options) {
  ours.ca_file = folder.write("ca.pem", trusted);
  ours.connect_to[service + ":443"] = "127.0.0.1:" + server.port();
  transport = make_tls_transport(io.get_executor(), *clock, ours).value();
}

HttpRequest DivertedService::request(std::string method, std::string target, std::string_view body) {
  HttpRequest wanted;
  wanted.method = std::move(method);
  wanted.endpoint.host = service;
  wanted.target = std::move(target);
  wanted.body = Body(body);
  return wanted;
}

HttpRequest DivertedService::plain_request(std::string method) {
  auto wanted = request(std::move(method));
  wanted.endpoint.host = "127.0.0.1";
  wanted.endpoint.port = server.port();
  wanted.endpoint.https = false;
  return wanted;
}

Result<HttpResponse> DivertedService::send(HttpRequest wanted, std::chrono::milliseconds patience) {
  return run_coroutine(io, transport->exchange(std::move(wanted), clock->mono_now() + patience));
}

Error DivertedService::fail(HttpRequest wanted, std::chrono::milliseconds patience) {
  auto outcome = send(std::move(wanted), patience);
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().where.find("/keys") != std::string::npos);
  return outcome.error();
}

}  // namespace rekeyd::test
