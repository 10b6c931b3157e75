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
constexpr std::string_view compute_resource_grant = "urn:ibm:params:oauth:grant-type:cr-token";

std::string field(std::map<std::string, std::string> const& form, char const* name) {
  auto const found = form.find(name);
  return found == form.end() ? std::string() : found->second;
}

std::vector<std::string> host_list(std::vector<std::string> const& regions) {
  std::vector<std::string> hosts{"iam.cloud.ibm.com", "private.iam.cloud.ibm.com"};
  for (auto const& region : regions) hosts.push_back(fmt::format("private.{}.iam.cloud.ibm.com", region));
  hosts.emplace_back("iam.localhost");
  return hosts;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

bool is_token_path(std::string_view path) { return path == "/identity/token" || path == "/oidc/token"; }

}  // namespace

Iam::Iam(std::shared_ptr<TokenAuthority> tokens, std::vector<TrustedProfile> profiles,
         std::vector<std::string> const& regions, Randomness& random)
    : tokens_(std::move(tokens)),
      profiles_(std::move(profiles)),
      hosts_(host_list(regions)),
      random_(random) {}

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
  auto const grant = field(form, "grant_type");
  if (grant.empty()) {
    return error(400, "BXNIM0109E", "Property missing or empty: grant_type", "", request);
  }
  if (grant == api_key_grant) return for_api_key(form, request, now);
  if (grant == compute_resource_grant) return for_compute_resource(form, request, now);
  return error(400, "BXNIM0120E", fmt::format("Grant type not supported: {}", grant), "", request);
}

Answer Iam::for_api_key(Form const& form, Request const& request, Instant now) {
  auto const api_key = field(form, "apikey");
  if (api_key.empty()) return error(400, "BXNIM0109E", "Property missing or empty: apikey", "", request);
  auto const issued = tokens_->issue(api_key, now);
  if (issued) return granted(*issued, now);
  return error(400, "BXNIM0415E", "Provided API key could not be found.",
               "The API key was deleted, is locked, or was never made.", request);
}

// The codes of its refusals are made up.
Answer Iam::for_compute_resource(Form const& form, Request const& request, Instant now) {
  auto const token = field(form, "cr_token");
  auto const id = field(form, "profile_id");
  auto const name = field(form, "profile_name");
  if (token.empty()) return error(400, "BXNIM0109E", "Property missing or empty: cr_token", "", request);
  if (id.empty() == name.empty()) {
    return error(400, "BXNIM0109E", "One of profile_id and profile_name is needed.", "", request);
  }
  auto const* const profile = find_profile(profiles_, id.empty() ? name : id);
  if (profile == nullptr) {
    return error(404, "BXNIM0901E", "The trusted profile could not be found.", "", request);
  }
  if (!profile->compute_tokens.contains(token)) {
    return error(400, "BXNIM0902E", "The compute resource does not match the profile's conditions.", "",
                 request);
  }
  return granted(tokens_->issue_for(profile->id, now).value_or(""), now);
}

Answer Iam::granted(std::string const& token, Instant now) const {
  auto const lifetime = tokens_->lifetime();
  json::object const body{{"access_token", token},
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
