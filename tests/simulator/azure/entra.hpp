#pragma once
#include "tests/simulator/azure/access_token.hpp"
#include "tests/simulator/service.hpp"

#include <boost/json/fwd.hpp>

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::sim {
class Randomness;
}

namespace rekeyd::sim::azure {

struct EntraClient {
  std::string secret;
};

struct Tenant {
  std::string id;  ///< GUID, lower case.
  std::map<std::string, EntraClient> clients;
};

/// Entra ID: the v2.0 token endpoint for client credentials with a secret, and the discovery documents that
/// client libraries fetch before it.
class Entra : public Service {
 public:
  Entra(std::vector<Tenant> tenants, std::chrono::seconds token_lifetime, TokenMint mint, Randomness& random);

  bool serves(std::string_view host) const override;
  Answer handle(Request const& request, Instant now) override;
  std::vector<std::string> hosts() const override;
  Answer refusal(unsigned status, Request const& request) const override;
  boost::json::value state(Instant now) const override;
  std::vector<SeededDek> seed_deks() override { return {}; }
  std::optional<std::string> unwrap_check(Envelope const&) const override { return std::nullopt; }

 private:
  Answer token(Tenant const& tenant, Request const& request, Instant now);
  /// `code` is the number after "AADSTS".
  Answer error(unsigned status, std::string_view error, long code, std::string_view message, Instant now);

  std::map<std::string, Tenant> tenants_;
  std::chrono::seconds token_lifetime_;
  TokenMint mint_;
  Randomness& random_;
};

}  // namespace rekeyd::sim::azure
