#pragma once
#include "tests/simulator/service.hpp"

#include <boost/json/fwd.hpp>

namespace rekeyd::sim::azure {

/// Azure Resource Manager of a subscription that holds no resources: every path is a 404 in its own words.
class ResourceManager : public Service {
 public:
  bool serves(std::string_view host) const override;
  Answer handle(Request const& request, Instant now) override;
  std::vector<std::string> hosts() const override;
  Answer refusal(unsigned status, Request const& request) const override;
  boost::json::value state(Instant now) const override;
  std::vector<SeededDek> seed_deks() override { return {}; }
  std::optional<std::string> unwrap_check(Envelope const&) const override { return std::nullopt; }
};

}  // namespace rekeyd::sim::azure
