#include "tests/simulator/ibm/iam.hpp"

#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

constexpr std::string_view api_key_grant = "urn:ibm:params:oauth:grant-type:apikey";

std::vector<std::string> host_list(std::vector<std::string> const& regions) {
  std::vector<std::string> hosts{"iam.cloud.ibm.com", "private.iam.cloud.ibm.com"};
  for (auto const& region : regions) hosts.push_back(fmt::format("private.{}.iam.cloud.ibm.com", region));
  hosts.emplace_back("iam.localhost");
  return hosts;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

bool is_token_path(std::string_view path) { return path == "/identity/token" || path == "/oidc/token"; }

}  // namespace

Iam::Iam(std::shared_ptr<TokenAuthority> tokens, std::vector<std::string> const& regions, Randomness& random)
    : tokens_(std::move(tokens)), hosts_(host_list(regions)), random_(random) {}

bool Iam::serves(std::string_view host) const { return std::ranges::find(hosts_, host) != hosts_.end(); }

Answer Iam::handle(Request const& request, Instant now) {
  if (!is_token_path(path_of(request.target))) {
    return error(404, "BXNIM0110E", "Resource not found.", "No such path at this service.", request);
  }
  if (request.method != "POST") {
    return error(405, "BXNIM0112E", "Method not allowed.", "Tokens are made with POST.", request);
  }
  return token(request, now);
}

Answer Iam::token(Request const& request, Instant now) {
  auto const form = parse_form(request.body);
  auto const field = [&form](char const* name) {
    auto const found = form.find(name);
    return found == form.end() ? std::string() : found->second;
  };
  auto const grant = field("grant_type");
  if (grant.empty()) {
    return error(400, "BXNIM0109E", "Property missing or empty: grant_type", "", request);
  }
  if (grant != api_key_grant) {
    return error(400, "BXNIM0120E", fmt::format("Grant type not supported: {}", grant), "", request);
  }
  auto const api_key = field("apikey");
  if (api_key.empty()) return error(400, "BXNIM0109E", "Property missing or empty: apikey", "", request);
  auto const issued = tokens_->issue(api_key, now);
  if (!issued) {
    return error(400, "BXNIM0415E", "Provided API key could not be found.",
                 "The API key was deleted, is locked, or was never made.", request);
  }
  auto const lifetime = tokens_->lifetime();
  json::object const body{{"access_token", *issued},
                          {"refresh_token", "not_supported"},
                          {"token_type", "Bearer"},
                          {"expires_in", lifetime.count()},
                          {"expiration", (now + lifetime).time_since_epoch().count()},
                          {"scope", "ibm openid"}};
  auto answer = json_answer(200, body);
  answer.operation = "iam.token";
  return answer;
}

Answer Iam::error(unsigned status, std::string_view code, std::string_view message, std::string_view details,
                  Request const& request) const {
  auto const agent = request.header("User-Agent");
  json::object body{{"errorCode", code},
                    {"errorMessage", message},
                    {"context",
                     {{"requestId", random_.hex(32)},
                      {"requestType", "incoming.Identity_Token"},
                      {"userAgent", agent},
                      {"url", fmt::format("https://{}", request.authority)},
                      {"instanceId", "iamid-1"},
                      {"threadId", "1"},
                      {"host", "iamid-1"},
                      {"elapsedTime", "1"},
                      {"locale", "en_US"},
                      {"clusterName", "rekeyd-sim"}}}};
  if (!details.empty()) body["errorDetails"] = details;
  auto answer = json_answer(status, body);
  answer.operation = "iam.token";
  return answer;
}

Answer Iam::refusal(unsigned status, Request const& request) const {
  if (status == 429) {
    return error(status, "BXNIM0439E", "Too many requests.", "Wait before the next request.", request);
  }
  return error(status, "BXNIM0108E", "The service cannot answer now.", "", request);
}

json::value Iam::state(Instant) const { return json::object(); }

}  // namespace rekeyd::sim::ibm
