#include "providers/azure/vault_access.hpp"

#include "providers/auth/bearer_challenge.hpp"
#include "providers/azure/api_versions.hpp"
#include "providers/azure/azure_error.hpp"
#include "providers/json_answer.hpp"

#include <fmt/format.h>

namespace rekeyd::providers::azure {

namespace asio = boost::asio;

namespace {

std::string bearer_header(AccessToken const& token) {
  std::string header = "Bearer ";
  header += token.bearer.reveal();
  return header;
}

std::string resource_key(VaultAddress const& vault) { return vault.endpoint.host_header(); }

Result<std::string> trusted_resource(HttpResponse const& response, Endpoint const& vault,
                                     TrustedAuthority const& trusted) {
  auto challenge = parse_key_vault_challenge(response.header("www-authenticate"));
  if (!challenge) return std::unexpected(std::move(challenge.error()));
  auto const verdict = verify_key_vault_challenge(*challenge, vault, trusted);
  if (!verdict) return std::unexpected(verdict.error());
  return std::move(challenge->resource);
}

Result<std::string> checked_resource(HttpResponse const& response, Endpoint const& vault,
                                     TrustedAuthority const& trusted, std::string const& where) {
  auto resource = trusted_resource(response, vault, trusted);
  if (resource) return resource;
  resource.error().where = where;
  resource.error().http_status = response.status;
  return resource;
}

Error before_sending(Error error) {
  error.delivery = Delivery::not_sent;
  return error;
}

}  // namespace

VaultAccess::VaultAccess(ApiClient& client, CredentialSource& credentials, Clock& clock, Random& random,
                         Options options)
    : client_(client),
      credentials_(credentials),
      clock_(clock),
      random_(random),
      options_(std::move(options)) {}

std::string VaultAccess::place(VaultAddress const& vault, VaultCall const& call) {
  std::string_view const target = call.target.empty() ? call.path : call.target;
  return fmt::format("{} {}{}", call.method, vault.endpoint.text(), target.substr(0, target.find('?')));
}

std::string VaultAccess::target_of(VaultCall const& call) const {
  if (!call.target.empty()) return call.target;
  char const mark = call.path.find('?') == std::string::npos ? '?' : '&';
  return fmt::format("{}{}api-version={}", call.path, mark, options_.api_version);
}

HttpRequest VaultAccess::build(VaultAddress const& vault, VaultCall const& call, AccessTokenPtr const& token,
                               std::string const& request_id) const {
  HttpRequest request;
  request.method = call.method;
  request.endpoint = vault.endpoint;
  request.target = target_of(call);
  request.headers.emplace_back("Accept", "application/json");
  request.headers.emplace_back("x-ms-client-request-id", request_id);
  if (!call.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  if (token) request.headers.emplace_back("Authorization", bearer_header(*token));
  request.body = call.body;
  return request;
}

Evidence VaultAccess::evidence_of(VaultCall const& call, HttpResponse const& response,
                                  std::string request_id) const {
  Evidence evidence;
  std::string_view const target = call.target.empty() ? call.path : call.target;
  evidence.operation = fmt::format("{} {}", call.method, target.substr(0, target.find('?')));
  evidence.request_id = body_excerpt(response.header("x-ms-request-id"));
  evidence.correlation_id = std::move(request_id);
  evidence.date = parse_http_date(response.header("date"));
  return evidence;
}

Error VaultAccess::refusal(HttpResponse const& response, std::string where) const {
  return azure_error(response, azure_traits(options_.kind), std::move(where), clock_.wall_now());
}

asio::awaitable<Result<HttpResponse>> VaultAccess::send(VaultAddress const& vault, VaultCall const& call,
                                                        AccessTokenPtr token, std::string request_id,
                                                        Clock::Mono deadline) {
  auto request = build(vault, call, token, request_id);
  Charges charges;
  if (options_.limits) charges = options_.limits->charges(vault.endpoint, request.method, request.target);
  auto response = co_await client_.call(std::move(request), call.repeatable, deadline, std::move(charges));
  if (response && options_.limits)
    options_.limits->learn_region(vault.endpoint, response->header("x-ms-keyvault-region"));
  co_return response;
}

void VaultAccess::learn_type(VaultAddress const& vault, std::string const& key, KeyType const& type) {
  if (options_.limits) options_.limits->learn_type(vault.endpoint, key, type);
}

asio::awaitable<Result<std::string>> VaultAccess::probe(VaultAddress const& vault, Clock::Mono deadline) {
  VaultCall call;
  call.path = "/keys?maxresults=1";
  std::string const where = place(vault, call);
  auto response = co_await send(vault, call, nullptr, random_.uuid(), deadline);
  if (!response) co_return std::unexpected(before_sending(std::move(response.error())));
  if (response->status == 200) {
    co_return std::unexpected(malformed_answer("it lets a caller without a token in", where));
  }
  if (response->status != 401) co_return std::unexpected(before_sending(refusal(*response, where)));
  co_return checked_resource(*response, vault.endpoint, options_.authority, where);
}

asio::awaitable<Result<std::string>> VaultAccess::resource_of(VaultAddress const& vault,
                                                              Clock::Mono deadline) {
  auto const known = resources_.find(resource_key(vault));
  if (known != resources_.end()) co_return known->second;
  auto resource = co_await probe(vault, deadline);
  if (resource) resources_.insert_or_assign(resource_key(vault), *resource);
  co_return resource;
}

asio::awaitable<Result<VaultReply>> VaultAccess::call(VaultAddress const& vault, VaultCall call,
                                                      Clock::Mono deadline) {
  std::string const where = place(vault, call);
  auto resource = co_await resource_of(vault, deadline);
  if (!resource) co_return std::unexpected(before_sending(std::move(resource.error())));
  bool renewed = false;
  while (true) {
    auto token = co_await credentials_.token(*resource, deadline);
    if (!token) co_return std::unexpected(before_sending(std::move(token.error())));
    std::string request_id = random_.uuid();
    auto response = co_await send(vault, call, *token, request_id, deadline);
    if (!response) co_return std::unexpected(std::move(response.error()));
    if (response->status == 401) forget_refused(credentials_, *token, response->header("www-authenticate"));
    if (response->status == 401 && !renewed) {
      renewed = true;
      if (response->header("www-authenticate").empty()) continue;
      resource = checked_resource(*response, vault.endpoint, options_.authority, where);
      if (!resource) co_return std::unexpected(std::move(resource.error()));
      resources_.insert_or_assign(resource_key(vault), *resource);
      continue;
    }
    if (response->status != 200) co_return std::unexpected(refusal(*response, where));
    VaultReply reply;
    reply.evidence = evidence_of(call, *response, std::move(request_id));
    reply.response = std::move(*response);
    reply.where = where + asked_version_words(target_of(call));
    co_return reply;
  }
}

}  // namespace rekeyd::providers::azure
