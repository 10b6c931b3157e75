#pragma once
#include "tests/simulator/ibm/trusted_profile.hpp"
#include "tests/simulator/service.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rekeyd::sim {
class Randomness;
}

namespace rekeyd::sim::ibm {

/// The metadata service of the world's one VPC instance, as far as it issues tokens: plain http on
/// 169.254.169.254, https on its name, or under a loopback name. The shape of its errors is general
/// knowledge.
class InstanceIdentity : public Service {
 public:
  InstanceIdentity(std::shared_ptr<TokenAuthority> tokens, std::vector<TrustedProfile> profiles,
                   Randomness& random);

  bool serves(std::string_view host) const override;
  Answer handle(Request const& request, Instant now) override;
  std::vector<std::string> hosts() const override;
  Answer refusal(unsigned status, Request const& request) const override;
  boost::json::value state(Instant now) const override;
  std::vector<SeededDek> seed_deks() override { return {}; }
  std::optional<std::string> unwrap_check(Envelope const&) const override { return std::nullopt; }

 private:
  Answer identity_token(Request const& request, Instant now);
  Answer iam_token(Request const& request, Instant now);
  Answer refuse(unsigned status, char const* code, char const* message) const;
  Answer granted(std::string const& token, std::chrono::seconds lifetime, Instant now) const;

  std::shared_ptr<TokenAuthority> tokens_;
  std::vector<TrustedProfile> profiles_;
  Randomness& random_;
  std::map<std::string, Instant> identity_tokens_;  ///< With their ends.
};

}  // namespace rekeyd::sim::ibm
