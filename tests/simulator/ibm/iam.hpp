#pragma once
#include "tests/simulator/ibm/trusted_profile.hpp"
#include "tests/simulator/service.hpp"

#include <map>
#include <memory>

namespace rekeyd::sim::ibm {

/// IBM Cloud IAM: tokens for API keys and for compute resources that enter a trusted profile, at the endpoint
/// of today and at the older one of the Go client.
class Iam : public Service {
 public:
  /// `regions`: for the names of the private network.
  Iam(std::shared_ptr<TokenAuthority> tokens, std::vector<TrustedProfile> profiles,
      std::vector<std::string> const& regions, Randomness& random);

  bool serves(std::string_view host) const override;
  Answer handle(Request const& request, Instant now) override;
  std::vector<std::string> hosts() const override { return hosts_; }
  Answer refusal(unsigned status, Request const& request) const override;
  boost::json::value state(Instant now) const override;
  std::vector<SeededDek> seed_deks() override { return {}; }
  std::optional<std::string> unwrap_check(Envelope const&) const override { return std::nullopt; }

 private:
  using Form = std::map<std::string, std::string>;
  Answer token(Request const& request, Instant now);
  Answer for_api_key(Form const& form, Request const& request, Instant now);
  Answer for_compute_resource(Form const& form, Request const& request, Instant now);
  Answer granted(std::string const& token, Instant now) const;
  Answer error(unsigned status, std::string_view code, std::string_view message, std::string_view details,
               Request const& request) const;

  std::shared_ptr<TokenAuthority> tokens_;
  std::vector<TrustedProfile> profiles_;
  std::vector<std::string> hosts_;
  Randomness& random_;
};

}  // namespace rekeyd::sim::ibm
