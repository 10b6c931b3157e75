#include "tests/simulator/azure/vault.hpp"

#include "tests/simulator/azure/names.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rekeyd::sim::azure {

namespace json = boost::json;

namespace {

HostFamily const& suffix_of(VaultKind kind) {
  return kind == VaultKind::managed_hsm ? managed_hsm_suffix : vault_suffix;
}

/// "https://vault.azure.net" under the real name, "https://vault.localhost" under the loopback one.
std::string resource_of(VaultKind kind, bool loopback) {
  auto const& suffix = suffix_of(kind);
  return fmt::format("https://{}", (loopback ? suffix.loopback : suffix.real).substr(1));
}

bool is_known_version(std::string const& version) {
  static std::set<std::string> const stable{"7.0", "7.1", "7.2",        "7.3",       "7.4",
                                            "7.5", "7.6", "2025-07-01", "2026-04-01"};
  return stable.contains(version) || version.find("-preview") != std::string::npos;
}

bool is_before_rotation(std::string const& version) {
  return version == "7.0" || version == "7.1" || version == "7.2";
}

std::string caller_text(TokenClaims const& claims) {
  return fmt::format("appid={};oid={};iss={}", claims.client_id, claims.client_id, claims.issuer);
}

Answer named(Answer answer, char const* operation) {
  answer.operation = operation;
  return answer;
}

}  // namespace

Vault::Vault(VaultSettings settings, TokenMint mint, Randomness& random, RsaPool& pool)
    : settings_(std::move(settings)),
      mint_(std::move(mint)),
      random_(random),
      pool_(pool),
      throttle_(settings_.kind, settings_.windows) {}

std::vector<std::string> Vault::hosts() const {
  auto const& suffix = suffix_of(settings_.kind);
  std::string const name = lower(settings_.name);
  return {name + std::string(suffix.real), name + std::string(suffix.loopback)};
}

bool Vault::serves(std::string_view host) const {
  auto const names = hosts();
  return host == names[0] || host == names[1];
}

bool Vault::seed(Key key) {
  std::string const name = lower(key.name);
  return keys_.emplace(name, std::move(key)).second;
}

Answer Vault::authenticate_first(std::string_view message, Request const& request) const {
  bool const loopback = is_loopback(request.host);
  std::string const login =
      loopback ? fmt::format("login.localhost{}", port_suffix(url_authority(request.authority)))
               : std::string(login_hosts.front());
  auto answer = error_answer(401, "Unauthorized", message);
  if (settings_.kind == VaultKind::managed_hsm) answer.body.clear();
  auto const resource =
      challenge_resource_.empty() ? resource_of(settings_.kind, loopback) : challenge_resource_;
  answer.headers.emplace_back("WWW-Authenticate",
                              fmt::format("Bearer authorization=\"https://{}/{}\", resource=\"{}\"", login,
                                          settings_.tenant, resource));
  answer.operation = "challenge";
  return answer;
}

std::optional<Answer> Vault::challenge(Request const& request, Instant now) const {
  auto const token = bearer_token(request);
  if (token.empty())
    return authenticate_first("AKV10000: Request is missing a Bearer or PoP token.", request);
  auto const claims = mint_.read(token, now);
  if (request.token_expired || (!claims && claims.error() == TokenFault::expired)) {
    return authenticate_first("[TokenExpired] Error validating token: 'S2S12086'", request);
  }
  if (!claims) return authenticate_first("[InvalidToken] Error validating token: 'S2S12005'", request);
  auto const expected = resource_of(settings_.kind, is_loopback(request.host));
  if (claims->audience != resource_of(settings_.kind, false) &&
      claims->audience != resource_of(settings_.kind, true)) {
    return authenticate_first(
        fmt::format("AKV10022: Invalid audience. Expected {}, found: {}.", expected, claims->audience),
        request);
  }
  if (claims->issuer != issuer_of(settings_.tenant)) {
    return authenticate_first(fmt::format("AKV10032: Invalid issuer. Expected one of {}, found {}.",
                                          issuer_of(settings_.tenant), claims->issuer),
                              request);
  }
  if (claims->claimed < revoked_) return demand_claims(request);
  if (!settings_.allowed_clients.empty() && !settings_.allowed_clients.contains(claims->client_id)) {
    return named(
        error_answer(
            403, "Forbidden",
            fmt::format("Caller is not authorized to perform action on resource.\r\nIf role assignments, "
                        "deny assignments or role definitions were changed recently, please observe "
                        "propagation time.\r\nCaller: {}\r\nAssignment: (not found)\r\nVault: {};"
                        "location=westeurope\r\n",
                        caller_text(*claims), settings_.name),
            "ForbiddenByRbac"),
        "forbidden");
  }
  return std::nullopt;
}

void Vault::add_headers(Answer& answer, Request const& request) {
  answer.headers.emplace_back("Cache-Control", "no-cache");
  answer.headers.emplace_back("Strict-Transport-Security", "max-age=31536000;includeSubDomains");
  answer.headers.emplace_back("X-Content-Type-Options", "nosniff");
  answer.headers.emplace_back("x-ms-request-id", random_.uuid());
  if (auto const id = request.header("x-ms-client-request-id"); !id.empty()) {
    answer.headers.emplace_back("x-ms-client-request-id", id);
  }
  if (settings_.kind == VaultKind::vault) {
    answer.headers.emplace_back("x-ms-keyvault-region", "westeurope");
    answer.headers.emplace_back("x-ms-keyvault-service-version", "1.9.2228.1");
    return;
  }
  answer.headers.emplace_back("X-Frame-Options", "SAMEORIGIN");
  answer.headers.emplace_back("Content-Security-Policy", "default-src 'self'");
  answer.headers.emplace_back("x-ms-server-latency", "1");
  if (request.method == "GET") answer.headers.emplace_back("x-ms-build-version", "1.0.20260901-1-0-release");
}

Answer Vault::handle(Request const& request, Instant now) {
  if (before_changes_ && request.method != "GET") before_changes_(now);
  auto answer = [&]() -> Answer {
    if (auto refused = challenge(request, now)) return *refused;
    auto const target = parse_target(request.target);
    if (!target) return bad_parameter("The request URI is not valid.");
    auto const version = target->param("api-version");
    if (!version) return bad_parameter("The api-version query parameter is required.");
    if (!is_known_version(*version)) {
      return bad_parameter(fmt::format("The specified version ({}) is not recognized.", *version));
    }
    Writing const writing{settings_.kind, "https://" + url_authority(request.authority), random_};
    return route({request, *target, now, writing, is_before_rotation(*version)});
  }();
  add_headers(answer, request);
  return answer;
}

Answer Vault::refusal(unsigned status, Request const&) const {
  if (status == 429) return throttled();
  if (status == 500) return error_answer(500, "InternalServerError", "An internal server error occurred.");
  return error_answer(status, "ServiceUnavailable", "The service is temporarily unavailable.");
}

bool Vault::allows(Work work, KeyShape const& shape, Instant now) {
  if (!settings_.limits) return true;
  bool const here = throttle_.allows(work, shape, now);
  bool const everywhere = !settings_.subscription || settings_.subscription->allows(work, shape, now);
  return here && everywhere;
}

bool Vault::allows(Work work, Call const& call) {
  auto const& segments = call.target.segments;
  auto const key = segments.size() > 1 ? keys_.find(lower(segments[1])) : keys_.end();
  return allows(work, key == keys_.end() ? KeyShape{} : key->second.versions.back().shape, call.now);
}

// Managed HSM has no limit on key operations as such: too many of them show as an unavailable service.
Answer Vault::too_much(Work work) const {
  bool const crypto = work == Work::protect || work == Work::open;
  if (settings_.kind == VaultKind::managed_hsm && crypto) {
    return error_answer(503, "ServiceUnavailable", "The service is temporarily unavailable.");
  }
  auto answer = throttled();
  if (settings_.retry_after)
    answer.headers.emplace_back("Retry-After", std::to_string(*settings_.retry_after));
  return answer;
}

Answer Vault::ok(json::object body, char const* operation) const {
  return named(json_answer(200, written(std::move(body), settings_.kind)), operation);
}

Answer Vault::route(Call const& call) {
  auto const& segments = call.target.segments;
  std::string const& method = call.request.method;
  if (segments.size() >= 2 && segments[0] == "keys" && segments[1] != "") return route_key(call);
  if (segments.size() >= 2 && segments[0] == "deletedkeys") return route_deleted(call);
  std::string const first = segments.empty() ? std::string() : segments[0];
  if (first == "keys") return method == "GET" ? list_keys(call) : method_not_allowed(method);
  if (first == "deletedkeys") return method == "GET" ? list_deleted(call) : method_not_allowed(method);
  if (first == "rng" && settings_.kind == VaultKind::managed_hsm) {
    return method == "POST" ? random_bytes(call) : method_not_allowed(method);
  }
  return error_answer(404, "NotFound", "The requested resource does not exist.");
}

Answer Vault::route_key(Call const& call) {
  auto const& segments = call.target.segments;
  std::string const& method = call.request.method;
  if (!is_key_name(segments[1]))
    return bad_parameter("The request URI contains an invalid name: " + segments[1]);
  if (segments.size() == 2) {
    if (method == "GET") return get(call);
    if (method == "PUT") return import_key(call);
    if (method == "PATCH") return update(call);
    if (method == "DELETE") return remove(call);
    return method_not_allowed(method);
  }
  std::string const& what = segments[2];
  if (segments.size() == 3) {
    if (what == "create" && method == "POST") return create(call);
    if (what == "versions" && method == "GET") return list_versions(call);
    if (what == "rotate" && method == "POST") return rotate(call);
    if (what == "rotationpolicy") return rotation_policy(call);
  }
  return route_version(call);
}

Answer Vault::route_version(Call const& call) {
  static std::set<std::string> const crypto_operations{"wrapkey", "unwrapkey", "encrypt", "decrypt"};
  auto const& segments = call.target.segments;
  std::string const& method = call.request.method;
  std::string const& last = segments.back();
  if (method == "POST" && crypto_operations.contains(last)) return crypto(call);
  if (method == "POST" && (last == "sign" || last == "verify" || last == "release")) {
    return bad_parameter("Operation " + last + " is not supported for this key.");
  }
  if (segments.size() == 3 && method == "GET") return get(call);
  if (segments.size() == 3 && method == "PATCH") return update(call);
  return method_not_allowed(method);
}

Answer Vault::route_deleted(Call const& call) {
  auto const& segments = call.target.segments;
  std::string const& method = call.request.method;
  if (segments.size() == 3 && segments[2] == "recover" && method == "POST") return recover(call);
  if (segments.size() == 2 && method == "GET") return deleted_key(call);
  if (segments.size() == 2 && method == "DELETE") return purge(call);
  return method_not_allowed(method);
}

}  // namespace rekeyd::sim::azure
