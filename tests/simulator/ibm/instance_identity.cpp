#include "tests/simulator/ibm/instance_identity.hpp"

#include "tests/simulator/message.hpp"
#include "tests/simulator/randomness.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace rekeyd::sim::ibm {

namespace json = boost::json;

namespace {

constexpr std::array<std::string_view, 3> metadata_hosts{"169.254.169.254", "api.metadata.cloud.ibm.com",
                                                         "metadata.localhost"};

}  // namespace

InstanceIdentity::InstanceIdentity(std::shared_ptr<TokenAuthority> tokens,
                                   std::vector<TrustedProfile> profiles, Randomness& random)
    : tokens_(std::move(tokens)), profiles_(std::move(profiles)), random_(random) {}

bool InstanceIdentity::serves(std::string_view host) const {
  return std::ranges::count(metadata_hosts, host) > 0;
}

std::vector<std::string> InstanceIdentity::hosts() const {
  return {metadata_hosts.begin(), metadata_hosts.end()};
}

json::value InstanceIdentity::state(Instant) const { return nullptr; }

Answer InstanceIdentity::refuse(unsigned status, char const* code, char const* message) const {
  json::array const errors{json::object{{"code", code}, {"message", message}}};
  auto answer = json_answer(status, {{"errors", errors}, {"trace", random_.hex(32)}});
  answer.operation = "instance token";
  return answer;
}

Answer InstanceIdentity::refusal(unsigned status, Request const&) const {
  return refuse(status, status == 429 ? "too_many_requests" : "internal_error", "Try again later.");
}

Answer InstanceIdentity::granted(std::string const& token, std::chrono::seconds lifetime, Instant now) const {
  auto answer = json_answer(200, {{"access_token", token},
                                  {"created_at", to_rfc3339(now)},
                                  {"expires_at", to_rfc3339(now + lifetime)},
                                  {"expires_in", lifetime.count()}});
  answer.operation = "instance token";
  return answer;
}

Answer InstanceIdentity::handle(Request const& request, Instant now) {
  auto const target = parse_target(request.target);
  if (!target || target->param("version").value_or("") != "2022-03-01") {
    return refuse(400, "bad_request", "The query parameter version is missing or not known.");
  }
  if (target->path == "/instance_identity/v1/token" && request.method == "PUT") {
    return identity_token(request, now);
  }
  if (target->path == "/instance_identity/v1/iam_token" && request.method == "POST") {
    return iam_token(request, now);
  }
  return refuse(404, "not_found", "There is no such resource.");
}

Answer InstanceIdentity::identity_token(Request const& request, Instant now) {
  constexpr long shortest = 5;
  constexpr long longest = 3600;
  if (lower(request.header("Metadata-Flavor")) != "ibm") {
    return refuse(400, "missing_header", "The header Metadata-Flavor has to be ibm.");
  }
  auto const body = json_object(request.body);
  auto const wanted = body ? integer_member(*body, "expires_in").value_or(300) : 300;
  if (wanted < shortest || wanted > longest) {
    return refuse(400, "bad_field", "expires_in has to be 5 to 3600.");
  }
  std::erase_if(identity_tokens_, [&](auto const& entry) { return entry.second <= now; });
  auto const lifetime = std::chrono::seconds(wanted);
  std::string const token = "instance." + random_.hex(32);
  identity_tokens_[token] = now + lifetime;
  return granted(token, lifetime, now);
}

Answer InstanceIdentity::iam_token(Request const& request, Instant now) {
  std::string const sent(request.header("Authorization"));
  constexpr std::string_view bearer = "Bearer ";
  auto const known =
      sent.starts_with(bearer) ? identity_tokens_.find(sent.substr(bearer.size())) : identity_tokens_.end();
  if (known == identity_tokens_.end() || known->second <= now) {
    return refuse(401, "not_authorized", "The identity token is not valid.");
  }
  auto const body = json_object(request.body);
  auto const* const named = body ? body->if_contains("trusted_profile") : nullptr;
  TrustedProfile const* profile = nullptr;
  if (named != nullptr && named->is_object()) {
    auto const text = string_member(named->get_object(), "id")
                          .value_or(string_member(named->get_object(), "crn").value_or(""));
    profile = find_profile(profiles_, text);
  } else {
    auto const linked = std::ranges::find_if(profiles_, &TrustedProfile::linked);
    if (linked != profiles_.end()) profile = &*linked;
  }
  if (profile == nullptr || !profile->instance) {
    return refuse(403, "not_linked", "The instance may not enter that trusted profile.");
  }
  auto const issued = tokens_->issue_for(profile->id, now);
  return granted(issued.value_or(""), tokens_->lifetime(), now);
}

}  // namespace rekeyd::sim::ibm
