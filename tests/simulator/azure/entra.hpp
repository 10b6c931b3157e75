#pragma once
#include "tests/simulator/azure/access_token.hpp"
#include "tests/simulator/azure/assertions.hpp"
#include "tests/simulator/azure/entra_client.hpp"
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

struct Tenant {
  std::string id;  ///< GUID, lower case.
  std::map<std::string, EntraClient> clients;
};

/// Entra ID: the v2.0 token endpoint for client credentials (a secret, an assertion signed by a registered
/// certificate, a token of a federated issuer), and the discovery documents that client libraries fetch
/// before it. The control host registers certificates, makes federated issuers' tokens and sets its clock.
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
  std::optional<Answer> control(Request const& request, Instant now) override;
  /// One assertion may be shown again until it ends.
  void allow_reused_assertions() { assertions_.allow_reuse(); }

 private:
  using Form = std::map<std::string, std::string>;
  struct Caller {
    Tenant const& tenant;
    std::string id;  ///< The client's.
    EntraClient const& client;
  };

  Answer token(Tenant const& tenant, Request const& request, Instant now);
  /// Nothing when the form proves who the caller is.
  std::optional<Answer> unproven(Caller const& caller, Form& form, std::string const& url, Instant now);
  Answer grant(Caller const& caller, std::string scope, Instant claimed, Instant now);
  std::string made_certificate(boost::json::object const& wish, Instant now);
  Answer register_certificate(boost::json::object const& wish, Instant now);
  Answer federated_token(boost::json::object const& wish, Instant now);
  /// `code` is the number after "AADSTS".
  Answer error(unsigned status, std::string_view error, long code, std::string_view message, Instant now);

  std::map<std::string, Tenant> tenants_;
  std::chrono::seconds token_lifetime_;
  TokenMint mint_;
  Randomness& random_;
  Assertions assertions_;
  std::chrono::seconds ahead_{0};  ///< How far its clock is ahead of the world's.
};

}  // namespace rekeyd::sim::azure
