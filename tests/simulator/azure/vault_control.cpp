#include "tests/simulator/azure/vault.hpp"
#include "tests/simulator/crypto.hpp"
#include "tests/simulator/message.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

/// What the control host is asked to do at one vault.
namespace rekeyd::sim::azure {

/// POST /vault-challenges {"vault", and of "resource", "tenant", "revoke": true what is to change}.
std::optional<Answer> Vault::control(Request const& request, Instant now) {
  auto const target = parse_target(request.target);
  if (!target || request.method != "POST" || target->path != "/vault-challenges") return std::nullopt;
  auto const wish = json_object(request.body);
  if (!wish || string_member(*wish, "vault") != settings_.name) return std::nullopt;
  if (auto const resource = string_member(*wish, "resource")) challenge_resource_ = *resource;
  if (auto const tenant = string_member(*wish, "tenant")) settings_.tenant = lower(*tenant);
  if (bool_member(*wish, "revoke").value_or(false)) revoked_ = now;
  return Answer{204, {}, {}};
}

// Continuous Access Evaluation: the token is good as such, but something has happened since.
Answer Vault::demand_claims(Request const& request) const {
  auto answer = authenticate_first("[TokenRevoked] The token does not satisfy the claims.", request);
  auto const claims = fmt::format(R"({{"access_token":{{"nbf":{{"essential":true,"value":"{}"}}}}}})",
                                  revoked_.time_since_epoch().count());
  for (auto& [name, value] : answer.headers) {
    if (name == "WWW-Authenticate")
      value += fmt::format(", error=\"insufficient_claims\", claims=\"{}\"", base64(claims));
  }
  return answer;
}

}  // namespace rekeyd::sim::azure
