#include "tests/simulator/azure/entra.hpp"

#include "tests/simulator/azure/names.hpp"
#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <date/date.h>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

std::string const default_scope = "/.default";
constexpr char const* assertion_type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

Answer discovery(Request const& request, std::string const& tenant) {
  std::string const base = "https://" + url_authority(request.authority);
  return json_answer(200,
                     {{"token_endpoint", fmt::format("{}/{}/oauth2/v2.0/token", base, tenant)},
                      {"authorization_endpoint", fmt::format("{}/{}/oauth2/v2.0/authorize", base, tenant)},
                      {"jwks_uri", fmt::format("{}/{}/discovery/v2.0/keys", base, tenant)},
                      {"issuer", fmt::format("{}/{}/v2.0", base, tenant)},
                      {"token_endpoint_auth_methods_supported", {"client_secret_post", "private_key_jwt"}}});
}

// {"access_token":{"nbf":{"essential":true,"value":"1702682181"}}}, as a vault's claims challenge demands it.
Instant claimed_in(std::string const& text) {
  auto const claims = json_object(text);
  json::error_code absent;
  json::value const whole = claims ? json::value(*claims) : json::value();
  auto const* const value = whole.find_pointer("/access_token/nbf/value", absent);
  if (value == nullptr || !value->is_string()) return {};
  return Instant(std::chrono::seconds(std::strtoll(value->get_string().c_str(), nullptr, 10)));
}

Answer instance_discovery(Request const& request, std::string const& tenant) {
  std::string const authority = url_authority(request.authority);
  json::object const metadata{
      {"preferred_network", authority}, {"preferred_cache", authority}, {"aliases", json::array{authority}}};
  return json_answer(200,
                     {{"tenant_discovery_endpoint",
                       fmt::format("https://{}/{}/v2.0/.well-known/openid-configuration", authority, tenant)},
                      {"api-version", "1.1"},
                      {"metadata", json::array{metadata}}});
}

}  // namespace

std::string url_authority(std::string_view authority) {
  std::string result = lower(authority);
  if (result.ends_with(":443")) result.resize(result.size() - 4);
  return result;
}

Entra::Entra(std::vector<Tenant> tenants, std::chrono::seconds token_lifetime, TokenMint mint,
             Randomness& random)
    : token_lifetime_(token_lifetime), mint_(std::move(mint)), random_(random), assertions_(random) {
  for (auto& tenant : tenants) {
    std::string const id = tenant.id;
    tenants_.emplace(id, std::move(tenant));
  }
}

bool Entra::serves(std::string_view host) const { return std::ranges::count(login_hosts, host) > 0; }

std::vector<std::string> Entra::hosts() const { return {login_hosts.begin(), login_hosts.end()}; }

json::value Entra::state(Instant) const { return nullptr; }

Answer Entra::error(unsigned status, std::string_view error, long code, std::string_view message,
                    Instant now) {
  std::string const trace = random_.uuid();
  std::string const correlation = random_.uuid();
  std::string const time = date::format("%F %TZ", now);
  auto answer = json_answer(
      status, {{"error", error},
               {"error_description",
                fmt::format("AADSTS{}: {}\r\nTrace ID: {}\r\nCorrelation ID: {}\r\nTimestamp: {}", code,
                            message, trace, correlation, time)},
               {"error_codes", {code}},
               {"timestamp", time},
               {"trace_id", trace},
               {"correlation_id", correlation},
               {"error_uri", fmt::format("https://login.microsoftonline.com/error?code={}", code)}});
  answer.operation = "token";
  return answer;
}

Answer Entra::refusal(unsigned status, Request const&) const {
  if (status == 429) {
    return json_answer(
        429, {{"error", "temporarily_unavailable"},
              {"error_description", "AADSTS90055: The tenant is throttled because of too many requests."},
              {"error_codes", {90055}}});
  }
  return json_answer(status,
                     {{"error", "temporarily_unavailable"},
                      {"error_description", "AADSTS90033: A transient error has occurred. Please try again."},
                      {"error_codes", {90033}}});
}

Answer Entra::handle(Request const& request, Instant now) {
  auto const target = parse_target(request.target);
  if (!target || target->segments.empty()) return {404, {}, {}, "unknown path"};
  auto const& segments = target->segments;
  if (target->path == "/common/discovery/instance") {
    auto answer = instance_discovery(request, "common");
    answer.operation = "instance discovery";
    return answer;
  }
  std::string const tenant = lower(segments.front());
  auto const found = tenants_.find(tenant);
  if (found == tenants_.end()) {
    return error(
        400, "invalid_request", 90002,
        fmt::format(
            "Tenant '{}' not found. Check to make sure you have the correct tenant ID and are signing "
            "into the correct cloud.",
            tenant),
        now);
  }
  if (target->path.ends_with("/v2.0/.well-known/openid-configuration")) {
    auto answer = discovery(request, tenant);
    answer.operation = "discovery";
    return answer;
  }
  if (target->path == "/" + segments.front() + "/oauth2/v2.0/token" && request.method == "POST") {
    return token(found->second, request, now);
  }
  return {404, {}, {}, "unknown path"};
}

Answer Entra::token(Tenant const& tenant, Request const& request, Instant now) {
  auto form = parse_form(request.body);
  if (form["grant_type"] != "client_credentials") {
    return error(400, "unsupported_grant_type", 70003,
                 fmt::format("The app requested an unsupported grant type '{}'.", form["grant_type"]), now);
  }
  std::string const client_id = lower(form["client_id"]);
  auto const client = tenant.clients.find(client_id);
  if (client == tenant.clients.end()) {
    return error(400, "unauthorized_client", 700016,
                 fmt::format("Application with identifier '{}' was not found in the directory '{}'.",
                             client_id, tenant.id),
                 now);
  }
  Caller const caller{tenant, client_id, client->second};
  // Client libraries put identifiers of their own into the query; an assertion is made out to the URL
  // without.
  std::string const url =
      "https://" + url_authority(request.authority) + request.target.substr(0, request.target.find('?'));
  if (auto refused = unproven(caller, form, url, now)) return *std::move(refused);
  // Client libraries append the OpenID scopes, which mean nothing to client credentials.
  return grant(caller, form["scope"].substr(0, form["scope"].find(' ')), claimed_in(form["claims"]), now);
}

std::optional<Answer> Entra::unproven(Caller const& caller, Form& form, std::string const& url, Instant now) {
  if (form.contains("client_assertion")) {
    if (form["client_assertion_type"] != assertion_type)
      return error(400, "invalid_request", 900144, "The parameter 'client_assertion_type' is not valid.",
                   now);
    auto const wrong =
        assertions_.objection(caller.id, caller.client, form["client_assertion"], url, now + ahead_);
    if (!wrong) return std::nullopt;
    return error(401, "invalid_client", wrong->code, wrong->message, now);
  }
  if (!form.contains("client_secret")) {
    return error(
        401, "invalid_client", 7000218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.", now);
  }
  if (!caller.client.secret.empty() && form["client_secret"] == caller.client.secret) return std::nullopt;
  return error(
      401, "invalid_client", 7000215,
      fmt::format("Invalid client secret provided. Ensure the secret being sent in the request is the client "
                  "secret value, not the client secret ID, for a secret added to app '{}'.",
                  caller.id),
      now);
}

Answer Entra::grant(Caller const& caller, std::string scope, Instant claimed, Instant now) {
  if (!scope.ends_with(default_scope)) {
    return error(
        400, "invalid_scope", 70011,
        fmt::format("The provided value for scope {} is not valid. Client credential flows must have a scope "
                    "value with /.default suffixed to the resource identifier (application ID URI).",
                    scope),
        now);
  }
  scope.resize(scope.size() - default_scope.size());
  if (!is_resource(scope)) {
    return error(400, "invalid_resource", 500011,
                 fmt::format("The resource principal named {} was not found in the tenant named {}.", scope,
                             caller.tenant.id),
                 now);
  }
  auto const lifetime = token_lifetime_.count();
  TokenClaims const claims{scope, issuer_of(caller.tenant.id), caller.id, now + token_lifetime_, claimed};
  auto answer = json_answer(200, {{"token_type", "Bearer"},
                                  {"expires_in", lifetime},
                                  {"ext_expires_in", lifetime},
                                  {"access_token", mint_.issue(claims, now)}});
  answer.headers.emplace_back("Cache-Control", "no-store, no-cache");
  answer.operation = "token";
  return answer;
}

}  // namespace rekeyd::sim::azure
