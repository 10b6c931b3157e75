#include "providers/auth/client_assertion.hpp"
#include "providers/encoding.hpp"
#include "tests/support/client_pem.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace rekeyd;
using namespace rekeyd::providers;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

Instant const noon = parse_rfc3339("2026-03-01T12:00:00Z").value();

test::ClientPem const& own() {
  static auto const pem = test::make_client_pem(noon - 24h, noon + 24h);
  return pem;
}
test::ClientPem const& other() {
  static auto const pem = test::make_client_pem(noon - 24h, noon + 24h);
  return pem;
}

Result<ClientCertificate> read(std::string const& pem) {
  return ClientCertificate::from_pem(Secret(std::string_view(pem)), "/etc/rekeyd/app.pem");
}

Error refused(std::string const& pem) {
  auto const certificate = read(pem);
  REQUIRE_FALSE(certificate.has_value());
  CHECK(certificate.error().error_class == ErrorClass::access);
  CHECK(certificate.error().where == "/etc/rekeyd/app.pem");
  CHECK(to_text(certificate.error()).find("MII") == std::string::npos);
  return certificate.error();
}

std::string text_of(json::value const& value) { return std::string(value.as_string()); }

json::object part(std::string const& token, int number) {
  auto begin = token.find('.') + 1;
  auto const text = number == 0 ? token.substr(0, begin - 1) : token.substr(begin, token.rfind('.') - begin);
  return json::parse(from_base64url(text).value()).as_object();
}

std::string assertion_of(AssertionForm const& form, std::string const& pem) {
  AssertionClaims const claims{"https://login.example/t/oauth2/v2.0/token", "app", "id-1", noon};
  auto const assertion = make_client_assertion(read(pem).value(), form, claims);
  REQUIRE(assertion.has_value());
  return std::string(assertion->reveal());
}

}  // namespace

TEST_CASE("key and certificates may stand in any order, and the key tells which certificate is ours") {
  auto const pem = GENERATE(as<std::string>(), own().key + own().certificate + other().certificate,
                            own().certificate + own().key + other().certificate,
                            other().certificate + "comment\n" + own().certificate + "\n" + own().key);
  auto const certificate = read(pem);
  REQUIRE(certificate.has_value());
  CHECK(certificate->chain().size() == 2);
  CHECK(certificate->sha256_thumbprint() == read(own().both())->sha256_thumbprint());
  CHECK(certificate->chain().front() == read(own().both())->chain().front());
  CHECK(certificate->not_after() == noon + 24h);
}

TEST_CASE("a certificate file that cannot prove anything is refused with the reason") {
  struct Case {
    std::string pem;
    char const* what;
  };
  static auto const small = test::make_client_pem(noon, noon + 1h, test::ClientKey::rsa_1024);
  static auto const curve = test::make_client_pem(noon, noon + 1h, test::ClientKey::ec);
  auto const bad = GENERATE(values<Case>({{"not PEM", "no private key"},
                                          {own().certificate, "no private key"},
                                          {own().key, "no certificate"},
                                          {own().key + other().certificate, "does not belong"},
                                          {own().key.substr(0, 300) + own().certificate, "no private key"},
                                          {test::encrypted(own().key) + own().certificate, "encrypted"},
                                          {small.both(), "2048"},
                                          {curve.both(), "not an RSA key"}}));
  CHECK(refused(bad.pem).what.find(bad.what) != std::string::npos);
}

TEST_CASE("a certificate out of its time says when that was or will be") {
  auto const certificate = read(own().both()).value();
  CHECK(certificate.valid_at(noon).has_value());
  auto const late = certificate.valid_at(noon + 24h);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().what.find("expired at 2026-03-02T12:00:00Z") != std::string::npos);
  CHECK(late.error().remedy.find("new certificate") != std::string::npos);
  auto const early = certificate.valid_at(noon - 25h);
  REQUIRE_FALSE(early.has_value());
  CHECK(early.error().what.find("not valid before 2026-02-28T12:00:00Z") != std::string::npos);
}

TEST_CASE("an assertion is made out to the token endpoint, for ten minutes, and signed") {
  auto const token = assertion_of({}, own().both());
  auto const header = part(token, 0);
  CHECK(header.at("alg") == "PS256");
  CHECK(header.at("typ") == "JWT");
  CHECK(text_of(header.at("x5t#S256")) == read(own().both())->sha256_thumbprint());
  CHECK_FALSE(header.contains("x5t"));
  CHECK_FALSE(header.contains("x5c"));
  auto const claims = part(token, 1);
  CHECK(claims.at("aud") == "https://login.example/t/oauth2/v2.0/token");
  CHECK(claims.at("iss") == "app");
  CHECK(claims.at("sub") == "app");
  CHECK(claims.at("jti") == "id-1");
  auto const now = noon.time_since_epoch().count();
  CHECK(claims.at("nbf") == now - 60);
  CHECK(claims.at("iat") == now);
  CHECK(claims.at("exp") == now + 600);
  CHECK(test::verifies(token, "PS256", own().certificate));
  CHECK_FALSE(test::verifies(token, "PS256", other().certificate));
}

TEST_CASE("the older algorithm and the chain are sent when they are asked for") {
  auto const token = assertion_of({AssertionAlgorithm::rs256, true}, own().both() + other().certificate);
  auto const header = part(token, 0);
  CHECK(header.at("alg") == "RS256");
  CHECK(text_of(header.at("x5t")) == read(own().both())->sha1_thumbprint());
  REQUIRE(header.at("x5c").as_array().size() == 2);
  // Standard base64 of DER, and not base64url (RFC 7515, 4.1.6).
  CHECK(text_of(header.at("x5c").as_array()[0]) == read(own().both())->chain().front());
  CHECK(from_base64(read(own().both())->chain().front()).has_value());
  CHECK(test::verifies(token, "RS256", own().certificate));
}
