#include "tests/simulator/azure/entra.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>

/// What the control host is asked to do at Entra ID.
namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

constexpr std::int64_t a_year = 365LL * 86'400;

Answer complaint(char const* message) { return json_answer(400, {{"error", message}}); }

std::chrono::seconds seconds_of(json::object const& wish, std::string_view name, std::int64_t fallback) {
  return std::chrono::seconds(integer_member(wish, name).value_or(fallback));
}

}  // namespace

std::optional<Answer> Entra::control(Request const& request, Instant now) {
  auto const target = parse_target(request.target);
  if (!target || request.method != "POST") return std::nullopt;
  auto const wish = json_object(request.body);
  bool const ours = target->path == "/client-certificates" || target->path == "/federated-tokens" ||
                    target->path == "/entra-clock";
  if (!ours) return std::nullopt;
  if (!wish) return complaint("a JSON object was expected");
  if (target->path == "/client-certificates") return register_certificate(*wish, now);
  if (target->path == "/federated-tokens") return federated_token(*wish, now);
  ahead_ = seconds_of(*wish, "ahead_s", 0);
  return Answer{204, {}, {}};
}

std::string Entra::made_certificate(json::object const& wish, Instant now) {
  auto const begins = now + seconds_of(wish, "begins_in_s", -3600);
  auto const ends = now + seconds_of(wish, "ends_in_s", a_year);
  return make_client_certificate("rekeyd", RsaKey::generate(2048, random_), begins, ends,
                                 static_cast<long>(random_.below(1'000'000)));
}

Answer Entra::register_certificate(json::object const& wish, Instant now) {
  auto const id = lower(string_member(wish, "client").value_or(""));
  for (auto& [name, tenant] : tenants_) {
    auto const client = tenant.clients.find(id);
    if (client == tenant.clients.end()) continue;
    auto const pem =
        wish.contains("pem") ? string_member(wish, "pem").value_or("") : made_certificate(wish, now);
    auto certificate = ClientCertificate::from_pem(pem);
    if (!certificate) return complaint("a certificate in PEM was expected");
    if (bool_member(wish, "registered").value_or(true))
      client->second.certificates.push_back(*std::move(certificate));
    return json_answer(201, {{"pem", pem}});
  }
  return complaint("no tenant has this client");
}

Answer Entra::federated_token(json::object const& wish, Instant now) {
  auto const issuer = string_member(wish, "issuer");
  auto const subject = string_member(wish, "subject");
  if (!issuer || !subject) return complaint("issuer and subject were expected");
  Assertions::FederatedToken const wanted{
      *issuer, *subject, string_member(wish, "audience").value_or("api://AzureADTokenExchange"),
      seconds_of(wish, "lifetime_s", 3600), bool_member(wish, "forged").value_or(false)};
  return json_answer(201, {{"token", assertions_.make_token(wanted, now)}});
}

}  // namespace rekeyd::sim::azure
