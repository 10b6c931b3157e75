#include "tests/contract/azure/azure_caller.hpp"

#include "tests/simulator/message.hpp"
#include "tests/simulator/world.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <sstream>

namespace rekeyd::sim::test {

namespace json = boost::json;

namespace {

std::string with_version(std::string const& target) {
  if (target.find("api-version=") != std::string::npos) return target;
  return target + (target.find('?') == std::string::npos ? "?" : "&") + "api-version=7.5";
}

}  // namespace

Instant beginning() { return *parse_rfc3339("2026-01-31T12:00:00Z"); }

std::string vault_with(std::string const& keys) {
  return fmt::format("- {{ name: kv1, tenant: {}, envelope_provider: azure-prod, keys: [{}] }}", tenant,
                     keys);
}

std::string hsm_with(std::string const& keys) {
  return fmt::format(
      "- {{ name: hsm1, kind: managed-hsm, tenant: {}, envelope_provider: hsm-prod, keys: [{}] }}", tenant,
      keys);
}

std::string Reply::header(std::string const& name) const {
  for (auto const& [field, value] : headers) {
    if (lower(field) == lower(name)) return value;
  }
  return {};
}

json::value Reply::value(std::string const& path) const {
  json::value const* at = &json;
  std::istringstream names(path);
  for (std::string name; std::getline(names, name, '/');) {
    if (!at->is_object() || at->get_object().if_contains(name) == nullptr) return nullptr;
    at = at->get_object().if_contains(name);
  }
  return *at;
}

std::string Reply::at(std::string const& path) const {
  auto const found = value(path);
  return found.is_string() ? std::string(found.get_string()) : std::string();
}

AzureCaller::AzureCaller(std::string const& vaults, std::string const& extra, std::string const& top)
    : now(beginning()) {
  std::string const yaml = fmt::format(
      "version: 1\nrsa_pool: {{ size: 3, bits: [] }}\n{}\nazure:\n  tenants:\n    - id: {}\n      clients: "
      "[{{ id: {}, "
      "secret: {} }}]\n{}  vaults:\n    {}\n",
      top, tenant, client, secret, extra, vaults);
  auto world = make_world(yaml, {now, 7});
  if (!world) {
    for (auto const& mistake : world.error()) FAIL(to_text("world", mistake));
  }
  cloud = std::move(*world);
}

Delivery AzureCaller::raw(std::string const& method, std::string const& url_host, std::string const& target,
                          std::string const& body, Headers headers) {
  Request request;
  request.method = method;
  request.authority = url_host;
  request.host = lower(std::string_view(url_host).substr(0, url_host.find(':')));
  request.target = target;
  request.headers = std::move(headers);
  request.body = body;
  return cloud->handle(std::move(request), now);
}

Reply AzureCaller::reply(Delivery const& delivery) {
  Reply result{delivery.answer.status, delivery.answer.headers, delivery.answer.body, nullptr};
  json::error_code error;
  auto parsed = json::parse(result.text, error);
  if (!error) result.json = std::move(parsed);
  return result;
}

Reply AzureCaller::token_request(std::string const& form, std::string const& in_tenant) {
  return reply(raw("POST", "login.microsoftonline.com", "/" + in_tenant + "/oauth2/v2.0/token", form,
                   {{"Content-Type", "application/x-www-form-urlencoded"}}));
}

std::string AzureCaller::token(std::string const& resource) {
  auto const granted = token_request(
      fmt::format("grant_type=client_credentials&client_id={}&client_secret={}&scope={}%2F.default", client,
                  secret, resource));
  REQUIRE(granted.status == 200);
  return granted.at("access_token");
}

Reply AzureCaller::call(std::string const& method, std::string const& target, json::value const& body) {
  bool const hsm = host_.find("managedhsm") != std::string::npos;
  Headers headers{
      {"Authorization", "Bearer " + token(hsm ? "https://managedhsm.azure.net" : "https://vault.azure.net")}};
  return reply(raw(method, host_, with_version(target),
                   body.is_null() ? std::string() : json::serialize(body), std::move(headers)));
}

Reply AzureCaller::get(std::string const& target) { return call("GET", target, nullptr); }
Reply AzureCaller::post(std::string const& target, json::value const& body) {
  return call("POST", target, body);
}
Reply AzureCaller::put(std::string const& target, json::value const& body) {
  return call("PUT", target, body);
}
Reply AzureCaller::patch(std::string const& target, json::value const& body) {
  return call("PATCH", target, body);
}
Reply AzureCaller::remove(std::string const& target) { return call("DELETE", target, nullptr); }

std::vector<std::string> AzureCaller::all_kids(std::string const& target) {
  std::vector<std::string> kids;
  std::string next = target;
  while (!next.empty()) {
    auto const page = get(next);
    REQUIRE(page.status == 200);
    for (auto const& item : page.json.at("value").as_array()) kids.emplace_back(item.at("kid").as_string());
    next = page.at("nextLink");
    if (auto const path = next.find('/', 8); path != std::string::npos) next = next.substr(path);
  }
  return kids;
}

std::string AzureCaller::version_of(Reply const& reply) {
  auto const kid = reply.at("key/kid");
  return kid.substr(kid.rfind('/') + 1);
}

}  // namespace rekeyd::sim::test
