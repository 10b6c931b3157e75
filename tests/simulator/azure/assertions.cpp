#include "tests/simulator/azure/assertions.hpp"

#include "tests/simulator/azure/json_web_token.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

std::string text(json::object const& part, std::string_view name) {
  return string_member(part, name).value_or("");
}

// A text, or the first of a list, as Kubernetes writes it.
std::string audience_of(json::object const& claims) {
  auto const* const audience = claims.if_contains("aud");
  bool const listed = audience != nullptr && audience->is_array() && !audience->get_array().empty();
  if (!listed) return text(claims, "aud");
  auto const& first = audience->get_array().front();
  return first.is_string() ? std::string(first.get_string()) : std::string();
}

// Five minutes either way are forgiven, as clocks differ; Microsoft's own libraries round theirs up.
std::optional<Objection> out_of_time(JsonWebToken const& token, Instant now) {
  constexpr std::int64_t forgiven = 300;
  auto const at = now.time_since_epoch().count();
  auto const begins = integer_member(token.claims, "nbf").value_or(0);
  auto const ends = integer_member(token.claims, "exp");
  if (ends && begins <= at + forgiven && at < *ends + forgiven) return std::nullopt;
  return Objection{700024,
                   fmt::format("Client assertion is not within its valid time range. Current time: {}, "
                               "assertion valid from {}, expiry time of assertion {}.",
                               at, begins, ends.value_or(0))};
}

ClientCertificate const* named_by(JsonWebToken const& token, EntraClient const& client) {
  auto const sha256 = text(token.header, "x5t#S256");
  auto const sha1 = text(token.header, "x5t");
  for (auto const& one : client.certificates) {
    bool const named = sha256.empty() ? one.sha1() == sha1 : one.sha256() == sha256;
    if (named && (sha1.empty() || one.sha1() == sha1)) return &one;
  }
  return nullptr;
}

// Certificates sent along must begin with the one that the thumbprint names.
bool chain_fits(JsonWebToken const& token, ClientCertificate const& certificate) {
  auto const* const chain = token.header.if_contains("x5c");
  if (chain == nullptr) return true;
  if (!chain->is_array() || chain->get_array().empty()) return false;
  auto const& first = chain->get_array().front();
  return first.is_string() && std::string_view(first.get_string()) == certificate.base64();
}

}  // namespace

std::optional<Objection> Assertions::objection(std::string const& client_id, EntraClient const& client,
                                               std::string const& given, std::string const& url,
                                               Instant now) {
  auto const token = read_token(given);
  if (!token) return Objection{50027, "JWT token is invalid or malformed."};
  bool const own = lower(text(token->claims, "iss")) == client_id;
  if (own && lower(text(token->claims, "sub")) != client_id)
    return Objection{700021, "Client assertion application identifier doesn't match 'client_id' parameter."};
  auto wrong = own ? of_certificate(client, *token, url, now) : of_federation(client, *token);
  if (!wrong) wrong = out_of_time(*token, now);
  return wrong || !own ? wrong : second_use(*token, now);
}

std::optional<Objection> Assertions::of_certificate(EntraClient const& client, JsonWebToken const& token,
                                                    std::string const& url, Instant now) {
  auto const* const certificate = named_by(token, client);
  if (certificate == nullptr)
    return Objection{700027,
                     fmt::format("The certificate with identifier used to sign the client assertion is "
                                 "not registered on application. [Reason - The key was not found., "
                                 "Thumbprint of key used by client: '{}']",
                                 text(token.header, "x5t#S256"))};
  if (!signed_by(token, certificate->public_key()) || !chain_fits(token, *certificate))
    return Objection{50012, "Authentication failed: the signature of the client assertion is not valid."};
  if (!certificate->valid_at(now))
    return Objection{1000502, "The provided certificate is not within its specified time range."};
  if (lower(text(token.claims, "aud")) != lower(url))
    return Objection{700023, "Client assertion audience claim does not match Realm issuer."};
  return std::nullopt;
}

std::optional<Objection> Assertions::of_federation(EntraClient const& client, JsonWebToken const& token) {
  auto const issuer = text(token.claims, "iss");
  auto const subject = text(token.claims, "sub");
  auto const audience = audience_of(token.claims);
  auto left = client.federated;
  std::erase_if(left, [&](auto const& one) { return one.issuer != issuer; });
  auto const none = [](long code, char const* what, std::string const& value) {
    return Objection{code,
                     fmt::format("No matching federated identity record found for presented assertion {} "
                                 "'{}'.",
                                 what, value)};
  };
  if (left.empty()) return none(700211, "issuer", issuer);
  if (!signed_by(token, key_of(issuer).get()))
    return Objection{50013, "Assertion failed signature validation."};
  std::erase_if(left, [&](auto const& one) { return one.subject != subject; });
  if (left.empty()) return none(700213, "subject", subject);
  std::erase_if(left, [&](auto const& one) { return one.audience != audience; });
  if (left.empty()) return none(700212, "audience", audience);
  return std::nullopt;
}

std::optional<Objection> Assertions::second_use(JsonWebToken const& token, Instant now) {
  if (!once_) return std::nullopt;
  std::erase_if(used_, [now](auto const& one) { return one.second <= now; });
  auto const id = text(token.claims, "jti");
  Instant const end(std::chrono::seconds(integer_member(token.claims, "exp").value_or(0)));
  if (!id.empty() && used_.emplace(id, end).second) return std::nullopt;
  return Objection{50012,
                   "Authentication failed: the client assertion has no identifier or was used before."};
}

RsaKey const& Assertions::key_of(std::string const& issuer) {
  auto const found = issuers_.find(issuer);
  if (found != issuers_.end()) return found->second;
  return issuers_.emplace(issuer, RsaKey::generate(2048, random_)).first->second;
}

std::string Assertions::make_token(FederatedToken const& wanted, Instant now) {
  auto const at = now.time_since_epoch().count();
  json::object const claims{{"iss", wanted.issuer},
                            {"sub", wanted.subject},
                            {"aud", json::array{wanted.audience}},
                            {"iat", at},
                            {"nbf", at},
                            {"exp", at + wanted.lifetime.count()}};
  json::object const header{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "of-" + wanted.issuer}};
  return sign_token(header, claims, key_of(wanted.forged ? wanted.issuer + " forged" : wanted.issuer).get());
}

}  // namespace rekeyd::sim::azure
