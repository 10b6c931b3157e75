#pragma once
#include "tests/simulator/azure/access_token.hpp"
#include "tests/simulator/service.hpp"

#include <boost/json/fwd.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rekeyd::sim::azure {

/// A managed identity of the one machine of the world.
struct MachineIdentity {
  std::string client_id, object_id, resource_id;  ///< Lower case; resource_id only of a user-assigned one.
  std::string tenant;
};

/// The instance metadata service of the world's machine, as far as it issues tokens: plain http on
/// 169.254.169.254, or under a loopback name. The control host makes it unavailable for a while.
class InstanceMetadata : public Service {
 public:
  InstanceMetadata(std::optional<MachineIdentity> system_assigned, std::vector<MachineIdentity> user_assigned,
                   std::chrono::seconds token_lifetime, TokenMint mint);

  bool serves(std::string_view host) const override;
  Answer handle(Request const& request, Instant now) override;
  std::vector<std::string> hosts() const override;
  Answer refusal(unsigned status, Request const& request) const override;
  boost::json::value state(Instant now) const override;
  std::vector<SeededDek> seed_deks() override { return {}; }
  std::optional<std::string> unwrap_check(Envelope const&) const override { return std::nullopt; }
  std::optional<Answer> control(Request const& request, Instant now) override;

 private:
  struct Wanted {
    std::string client_id, object_id, resource_id;
  };
  MachineIdentity const* find(Wanted const& wanted) const;
  Answer token(Request const& request, Instant now) const;
  Answer grant(MachineIdentity const& identity, std::string const& resource, Instant now) const;

  std::optional<MachineIdentity> system_assigned_;
  std::vector<MachineIdentity> user_assigned_;
  std::chrono::seconds token_lifetime_;
  TokenMint mint_;
  unsigned unavailable_status_{0};
  Instant unavailable_until_{};
};

}  // namespace rekeyd::sim::azure
